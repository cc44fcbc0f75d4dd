/**
 * A tokenizer.json's added_tokens by id, for a folder that has no tokenizer.json: special tokens as they stand, others
 * also where the normalizer has changed them.
 */
export function addedEntries(specials: readonly string[], others: Iterable<string>, id: (token: string) => number) {
  const entry = (content: string, special: boolean) => ({
    id: id(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: !special,
    special,
  });
  return [
    ...specials.map((content) => entry(content, true)),
    ...[...others].filter((content) => !specials.includes(content)).map((content) => entry(content, false)),
  ].sort((a, b) => a.id - b.id);
}
