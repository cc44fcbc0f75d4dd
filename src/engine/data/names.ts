import { FIELDS } from '../../protocol/index.ts';

/** Pairs of columns that hold two texts of one example: GLUE's names and those of others. */
export const PAIR_NAMES: readonly (readonly [string, string])[] = [
  ['sentence1', 'sentence2'],
  ['premise', 'hypothesis'],
  ['question1', 'question2'],
  ['text1', 'text2'],
  ['text_a', 'text_b'],
  ['text', 'text_pair'],
  ['question', 'sentence'],
];

/** Columns that number or date rows and are neither. */
export const OTHER_NAMES = [
  'id',
  'idx',
  'index',
  'uid',
  'uuid',
  'row',
  'no',
  'nr',
  'number',
  'date',
  'time',
  'timestamp',
  'split',
  'url',
];

/** What the columns of CoNLL's lines are called that have no name; further ones are `column_2` and so on. */
export const CONLL = { tokens: 'tokens', tags: 'tags', document: 'document' } as const;

/** Names by which a header is known as one. */
export const KNOWN_NAMES: ReadonlySet<string> = new Set([
  ...Object.values(FIELDS).flatMap((fields) => fields.flatMap(({ usual }) => usual)),
  ...PAIR_NAMES.flat(),
  ...OTHER_NAMES,
]);
