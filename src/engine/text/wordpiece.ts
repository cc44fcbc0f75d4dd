import { addedEntries } from './added-entries.ts';
import type { BertNormalizerOptions } from './bert-text.ts';

/** Names of the special tokens; BERT's own where a folder names none. */
export interface BertSpecialTokens {
  unk_token: string;
  sep_token: string;
  pad_token: string;
  cls_token: string;
  mask_token: string;
}

export const BERT_SPECIAL_TOKENS: BertSpecialTokens = {
  unk_token: '[UNK]',
  sep_token: '[SEP]',
  pad_token: '[PAD]',
  cls_token: '[CLS]',
  mask_token: '[MASK]',
};

/**
 * Pieces of a vocab.txt by id: one a line, the line's number from 0 is the id. A repeated piece keeps its last line,
 * as in transformers' load_vocab. Blank lines at the end are no pieces: nothing could ever be split into them.
 */
export function parseVocab(text: string): Map<string, number> {
  const lines = text.split(/\r\n|\n|\r/);
  while (lines.at(-1) === '') lines.pop();
  return new Map(lines.map((line, id) => [line, id]));
}

/**
 * Whether a vocabulary is of lower-cased text: none of its pieces, special ones such as [CLS] or <S> aside, holds one of A to Z.
 * (Other capitals tell nothing: bert-base-uncased has characters such as ℝ, which lower-casing leaves as they are.)
 */
export function isUncased(pieces: Iterable<string>): boolean {
  for (const piece of pieces) if (/[A-Z]/.test(piece) && !/^(\[.*\]|<.*>)$/.test(piece)) return false;
  return true;
}

/**
 * The tokenizer.json of a BERT folder that has only a vocab.txt: what transformers' BertTokenizer builds
 * (BertNormalizer, BertPreTokenizer, WordPiece, `[CLS] A [SEP] B [SEP]`).
 */
export function bertTokenizerJson(
  vocab: ReadonlyMap<string, number>,
  special: BertSpecialTokens,
  normalizer: BertNormalizerOptions,
  added: ReadonlyMap<string, number> = new Map(),
): Record<string, unknown> {
  const id = (token: string): number => vocab.get(token) ?? added.get(token) ?? -1;
  const specials = [...new Set(Object.values<string>({ ...special }))].filter((token) => id(token) >= 0);
  const { cls_token: cls, sep_token: sep } = special;
  const token = (content: string, type_id: number) => ({ SpecialToken: { id: content, type_id } });
  const sequence = (name: 'A' | 'B', type_id: number) => ({ Sequence: { id: name, type_id } });
  const single = [token(cls, 0), sequence('A', 0), token(sep, 0)];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedEntries(specials, added.keys(), id),
    normalizer: { type: 'BertNormalizer', ...normalizer },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single,
      pair: [...single, sequence('B', 1), token(sep, 1)],
      special_tokens: Object.fromEntries([cls, sep].map((t) => [t, { id: t, ids: [id(t)], tokens: [t] }])),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: special.unk_token,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocab),
    },
  };
}
