import { addedEntries } from './added-entries.ts';

type Json = Record<string, unknown>;

/** What the two families do beside their vocabulary and merges. */
export type ByteLevelFamily = 'roberta' | 'gpt2';

/** Names of the special tokens where a folder names none. transformers, tokenization_roberta.py, tokenization_gpt2.py. */
export const BYTE_LEVEL_SPECIAL_TOKENS: Readonly<Record<ByteLevelFamily, Readonly<Record<string, string>>>> = {
  roberta: {
    bos_token: '<s>',
    eos_token: '</s>',
    unk_token: '<unk>',
    sep_token: '</s>',
    pad_token: '<pad>',
    cls_token: '<s>',
    mask_token: '<mask>',
  },
  gpt2: { bos_token: '<|endoftext|>', eos_token: '<|endoftext|>', unk_token: '<|endoftext|>' },
};

export const BYTE_LEVEL_CLASSES: Readonly<Record<ByteLevelFamily, string>> = {
  roberta: 'RobertaTokenizer',
  gpt2: 'GPT2Tokenizer',
};

/** Which family a vocab.json is of: what tokenizer_config.json or config.json says, else by its special tokens. */
export function byteLevelFamily(vocab: Json, named: readonly unknown[]): ByteLevelFamily | null {
  for (const name of named) {
    if (typeof name !== 'string') continue;
    if (/^(roberta|bart)/i.test(name)) return 'roberta';
    if (/^gpt-?2/i.test(name)) return 'gpt2';
  }
  if (Object.hasOwn(vocab, '<s>') && Object.hasOwn(vocab, '</s>')) return 'roberta';
  return Object.hasOwn(vocab, '<|endoftext|>') ? 'gpt2' : null;
}

/** Lines of a merges.txt: two pieces each, after a first line that tells the version. */
export const parseMerges = (text: string): string[] =>
  text.split(/\r?\n/).filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version')));

/**
 * The tokenizer.json of a folder that has only vocab.json and merges.txt: what transformers' RobertaTokenizer and
 * GPT2Tokenizer build.
 */
export function byteLevelTokenizerJson(
  family: ByteLevelFamily,
  vocab: Readonly<Record<string, number>>,
  merges: readonly string[],
  special: Readonly<Record<string, string>>,
  added: ReadonlyMap<string, number>,
  addPrefixSpace: boolean,
): Json {
  const id = (token: string): number => vocab[token] ?? added.get(token) ?? -1;
  const specials = [...new Set(Object.values(special))].filter((token) => id(token) >= 0);
  const bytes = { type: 'ByteLevel', add_prefix_space: addPrefixSpace, trim_offsets: true, use_regex: true };
  const sequence = (name: 'A' | 'B', type_id: number) => ({ Sequence: { id: name, type_id } });
  const { sep_token: sep = '', cls_token: cls = '' } = special;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedEntries(specials, added.keys(), id),
    normalizer: null,
    pre_tokenizer: bytes,
    post_processor:
      family === 'roberta'
        ? {
            type: 'RobertaProcessing',
            sep: [sep, id(sep)],
            cls: [cls, id(cls)],
            trim_offsets: true,
            add_prefix_space: addPrefixSpace,
          }
        : {
            type: 'TemplateProcessing',
            single: [sequence('A', 0)],
            pair: [sequence('A', 0), sequence('B', 1)],
            special_tokens: {},
          },
    decoder: { ...bytes, add_prefix_space: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}
