/** What filters, tests and statements do, for completion and hovers; the engine's are these (words.test.ts). */

export interface Word {
  detail: string;
  /** Written behind its name; a tab stop where something belongs. */
  snippet?: string;
}

export const FILTERS: Readonly<Record<string, Word>> = {
  abs: { detail: 'The number without its sign' },
  batch: { detail: 'The items in lists of so many', snippet: '(${1:3})' },
  capitalize: { detail: 'The first letter in upper case, all others in lower case' },
  center: { detail: 'The text in the middle of so many characters', snippet: '(${1:80})' },
  default: { detail: 'Another value where there is none', snippet: '(${1:""})' },
  dictsort: { detail: 'Pairs of key and value, sorted by key' },
  first: { detail: 'The first item' },
  float: { detail: 'As a number with a fraction' },
  groupby: { detail: 'The items in groups that have a value in common', snippet: '(${1:"label"})' },
  indent: { detail: 'Further lines moved to the right', snippet: '(${1:2})' },
  int: { detail: 'As a whole number' },
  items: { detail: 'Pairs of key and value' },
  join: { detail: 'All items as one text', snippet: '(${1:", "})' },
  json: { detail: 'As JSON' },
  last: { detail: 'The last item' },
  length: { detail: 'How many items or characters' },
  list: { detail: 'As a list' },
  lower: { detail: 'All letters in lower case' },
  map: { detail: 'A value of each item, or each item through a filter', snippet: '(${1:attribute="text"})' },
  max: { detail: 'The largest' },
  min: { detail: 'The smallest' },
  reject: { detail: 'The items that do not pass a test', snippet: '(${1:"none"})' },
  rejectattr: { detail: 'The items whose value does not pass a test', snippet: '(${1:"label"}, ${2:"none"})' },
  replace: { detail: 'A text in place of another', snippet: '(${1:"a"}, ${2:"b"})' },
  reverse: { detail: 'From the last to the first' },
  round: { detail: 'The number rounded', snippet: '(${1:2})' },
  safe: { detail: 'The value as it is: nothing is escaped in prompts' },
  select: { detail: 'The items that pass a test', snippet: '(${1:"defined"})' },
  selectattr: { detail: 'The items whose value passes a test', snippet: '(${1:"label"}, ${2:"equalto"}, ${3:"a"})' },
  slice: { detail: 'The items in so many lists', snippet: '(${1:3})' },
  sort: { detail: 'The items in order' },
  string: { detail: 'As a text' },
  sum: { detail: 'All numbers added up' },
  title: { detail: 'Each word with a capital first letter' },
  tojson: { detail: 'As JSON' },
  trim: { detail: 'Without white space at either end' },
  truncate: { detail: 'The first characters, with … behind them', snippet: '(${1:200})' },
  truncate_tokens: { detail: 'The first tokens, as the model counts them', snippet: '(${1:200})' },
  unique: { detail: 'Each value once' },
  upper: { detail: 'All letters large' },
  wordcount: { detail: 'How many words' },
};

export const TESTS: Readonly<Record<string, string>> = {
  boolean: 'true or false',
  defined: 'There is such a value',
  even: 'An even number',
  float: 'A number with a fraction',
  integer: 'A whole number',
  iterable: 'A loop can go through it',
  lower: 'All letters are lower case',
  mapping: 'It has keys',
  none: 'It is none',
  number: 'A number',
  odd: 'An odd number',
  sequence: 'A list or a text',
  string: 'A text',
  undefined: 'There is no such value',
  upper: 'All letters are upper case',
};

export const STATEMENTS: Readonly<Record<string, Word>> = {
  for: { detail: 'A part for each item of a list', snippet: ' ${1:item} in ${2:items} %}\n$0\n{% endfor %}' },
  if: { detail: 'A part that is there only if something holds', snippet: ' ${1:text} %}\n$0\n{% endif %}' },
  elif: { detail: 'Otherwise, if something else holds' },
  else: { detail: 'Otherwise' },
  set: { detail: 'A name for a value', snippet: ' ${1:name} = ${2:value} %}' },
  macro: { detail: 'A part that is used several times', snippet: ' ${1:name}(${2:text}) %}\n$0\n{% endmacro %}' },
  filter: { detail: 'A part through a filter', snippet: ' ${1:trim} %}\n$0\n{% endfilter %}' },
  raw: { detail: 'A part in which braces are only braces', snippet: ' %}\n$0\n{% endraw %}' },
};

export const GLOBAL_DETAILS: Readonly<Record<string, string>> = {
  loop: 'Where a loop is: loop.index, loop.first, loop.last, loop.length',
  range: 'Numbers one after the other: range(3)',
  namespace: 'Values that a loop may change: namespace(count=0)',
  dict: 'Values by their keys: dict(a=1)',
};

export const ROLE_DETAILS: Readonly<Record<string, string>> = {
  system: 'Who the model is, and how it answers',
  user: 'What is asked',
  assistant: 'What the model answers: an example, or the beginning of the answer',
  developer: 'As system, for models that know this role',
  tool: 'What a tool gave back',
};
