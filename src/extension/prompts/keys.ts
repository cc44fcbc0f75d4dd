/** A key of front matter, for completion and hovers. */
export interface KnownKey {
  /** `*` stands for any name, or a list's number. */
  path: readonly string[];
  detail: string;
  /** What it may be. */
  values?: readonly string[];
  /** What the editor lists for it. */
  names?: 'models' | 'datasets' | 'columns';
  /** What is written behind it: keys of its own on further lines, or a value. */
  holds?: 'keys' | 'list';
  /** Of an older generation of Prompty: read, and not offered for files of the newest. */
  generation?: 1;
}

const KINDS = ['string', 'number', 'boolean', 'array', 'object', 'thread'];

/** Keys of Prompty that mean something here, and ours. */
const KNOWN_KEYS: readonly KnownKey[] = [
  { path: ['name'], detail: 'What the template is called.' },
  { path: ['description'], detail: 'What it is for, in a sentence.' },
  { path: ['model'], detail: 'The model it is written for, and how it is asked.', names: 'models', holds: 'keys' },
  {
    path: ['model', 'id'],
    detail: 'Model that answers: a starter, a run, a folder or a Hugging Face name.',
    names: 'models',
  },
  {
    path: ['model', 'apiType'],
    detail: 'Whether the model is asked as in a chat, or continues the text as it is.',
    values: ['chat', 'completion'],
  },
  { path: ['model', 'options'], detail: 'Settings of the answer.', holds: 'keys' },
  { path: ['model', 'options', 'temperature'], detail: 'How freely words are drawn; 0 always takes the likeliest.' },
  { path: ['model', 'options', 'topP'], detail: 'Draws from the likeliest tokens that have this share together.' },
  { path: ['model', 'options', 'topK'], detail: 'Draws from this many of the likeliest tokens.' },
  { path: ['model', 'options', 'maxOutputTokens'], detail: 'Most tokens of an answer.' },
  { path: ['model', 'options', 'seed'], detail: 'The same seed draws the same answer.' },
  { path: ['model', 'options', 'stopSequences'], detail: 'Texts that end an answer.', holds: 'list' },
  {
    path: ['model', 'api'],
    detail: 'Whether the model is asked as in a chat, or continues the text as it is.',
    values: ['chat', 'completion'],
    generation: 1,
  },
  { path: ['model', 'configuration'], detail: 'Which model answers.', holds: 'keys', generation: 1 },
  {
    path: ['model', 'configuration', 'name'],
    detail: 'Model that answers: a starter, a run, a folder or a Hugging Face name.',
    names: 'models',
    generation: 1,
  },
  { path: ['model', 'parameters'], detail: 'Settings of the answer.', holds: 'keys', generation: 1 },
  {
    path: ['model', 'parameters', 'temperature'],
    detail: 'How freely words are drawn; 0 always takes the likeliest.',
    generation: 1,
  },
  { path: ['model', 'parameters', 'max_tokens'], detail: 'Most tokens of an answer.', generation: 1 },
  { path: ['inputs'], detail: 'What the template is filled with.', holds: 'list' },
  { path: ['inputs', '*', 'name'], detail: 'Name of the input in the text.' },
  { path: ['inputs', '*', 'kind'], detail: 'What the input holds.', values: KINDS },
  { path: ['inputs', '*', 'type'], detail: 'What the input holds.', values: KINDS, generation: 1 },
  { path: ['inputs', '*', 'description'], detail: 'What stands in it.' },
  { path: ['inputs', '*', 'example'], detail: 'A value to try the template with.' },
  { path: ['inputs', '*', 'sample'], detail: 'A value to try the template with.', generation: 1 },
  { path: ['inputs', '*', 'default'], detail: 'Its value where nothing else gives one.' },
  {
    path: ['sample'],
    detail: 'Values to try the template with, or the file that has them: ${file:sample.json}.',
    holds: 'keys',
    generation: 1,
  },
  { path: ['luthier'], detail: 'Where the template’s values come from in Luthier.', holds: 'keys' },
  {
    path: ['luthier', 'dataset'],
    detail: 'File or dataset whose rows fill the template, relative to its folder.',
    names: 'datasets',
  },
  { path: ['luthier', 'columns'], detail: 'Column of each input that is not called like its column.', holds: 'keys' },
  { path: ['luthier', 'columns', '*'], detail: 'Column of the dataset that fills this input.', names: 'columns' },
  {
    path: ['luthier', 'examples'],
    detail: 'Solved examples drawn from rows of the dataset: “examples” in the text.',
    holds: 'keys',
  },
  { path: ['luthier', 'examples', 'count'], detail: 'How many rows are drawn.' },
  { path: ['luthier', 'examples', 'seed'], detail: 'The same seed draws the same rows.' },
  {
    path: ['luthier', 'examples', 'dataset'],
    detail: 'File or dataset they are drawn from, where it is another one.',
    names: 'datasets',
  },
  {
    path: ['luthier', 'verbalizer'],
    detail: 'Word at the mask that stands for each label, for masked models.',
    holds: 'keys',
  },
];

const fits = (path: readonly string[], key: KnownKey): boolean =>
  path.length === key.path.length && key.path.every((part, i) => part === '*' || part === path[i]);

export const knownKey = (path: readonly string[]): KnownKey | undefined => KNOWN_KEYS.find((key) => fits(path, key));

/** Keys that may stand below one. */
export const keysBelow = (path: readonly string[], generation: 1 | 2): KnownKey[] =>
  KNOWN_KEYS.filter(
    (key) =>
      key.path.length === path.length + 1 &&
      key.path.at(-1) !== '*' &&
      fits(path, { ...key, path: key.path.slice(0, -1) }) &&
      (key.generation === undefined || key.generation === generation),
  );
