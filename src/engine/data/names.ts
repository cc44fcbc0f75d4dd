/** Names that data sets give the column of the texts, the likeliest first. */
export const TEXT_NAMES = [
  'text',
  'sentence',
  'utterance',
  'review',
  'content',
  'message',
  'comment',
  'body',
  'question',
  'query',
  'tweet',
  'description',
  'document',
  'input',
  'prompt',
  'summary',
  'subject',
  'title',
  'headline',
  'name',
];

/** Names that data sets give the column of the classes, the likeliest first. */
export const LABEL_NAMES = [
  'label',
  'labels',
  'class',
  'category',
  'intent',
  'sentiment',
  'target',
  'label_text',
  'polarity',
  'emotion',
  'topic',
  'tag',
  'type',
  'rating',
  'stars',
  'score',
  'department',
  'queue',
  'priority',
  'output',
  'answer',
  'y',
];

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

export const KNOWN_NAMES: ReadonlySet<string> = new Set([
  ...TEXT_NAMES,
  ...LABEL_NAMES,
  ...PAIR_NAMES.flat(),
  ...OTHER_NAMES,
]);
