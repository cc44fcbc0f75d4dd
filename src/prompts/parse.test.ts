import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePrompt } from './parse.ts';
import { lineAt } from './places.ts';
import type { PromptFile, Range } from './prompt-file.ts';

const FIRST = `---
name: Ticket answer
description: Answers a ticket
authors: [Ann]
model:
  api: chat
  configuration:
    type: azure_openai
    azure_deployment: \${env:DEPLOYMENT:gpt-4}
  parameters:
    max_tokens: 200
    temperature: 0.2
inputs:
  question:
    type: string
    description: What is asked
  urgent:
    type: boolean
    default: false
sample:
  question: Where is my parcel?
---

system:
Answer as JSON, like {"answer": "…"}.

# User:
{{question}}
`;

const SECOND = `---
name: summary
model:
  id: starters/gpt2
  apiType: completion
  options: { maxOutputTokens: 20 }
inputs:
  - name: text
    kind: string
    default: Some text
  - name: words
    kind: integer
    example: 20
template:
  format: { kind: jinja2 }
  parser: { kind: prompty }
luthier:
  dataset: data/texts.csv
  columns: { text: body }
  examples: { count: 2, seed: 7 }
---
Text: {{ text }}
user:
Summary in {{ words }} words:`;

const codes = (file: PromptFile) => file.problems.map(({ code, severity }) => `${severity} ${code}`);
const shown = (text: string, { start, end }: Range) => text.slice(start, end);

test('generation 1: inputs, sample and model as maps, roles by lines', () => {
  const file = parsePrompt(FIRST);
  expect(file.problems).toEqual([]);
  expect(file).toMatchObject({
    ...{ generation: 1, name: 'Ticket answer', description: 'Answers a ticket' },
    sample: { question: 'Where is my parcel?' },
    model: { name: '${env:DEPLOYMENT:gpt-4}', api: 'chat', options: { max_tokens: 200, temperature: 0.2 } },
    inputs: [
      { name: 'question', kind: 'string', sample: 'Where is my parcel?', description: 'What is asked' },
      { name: 'urgent', kind: 'boolean', default: false },
    ],
  });
  expect(file.parts.map(({ role, text, marker }) => [role, text, marker && shown(FIRST, marker)])).toEqual([
    ['system', 'Answer as JSON, like {"answer": "…"}.\n\n', 'system:'],
    ['user', '{{question}}\n', '# User:'],
  ]);
  expect(file.inputs.map(({ range }) => shown(FIRST, range))).toEqual(['question', 'urgent']);
  expect(file.references).toEqual([
    {
      ...{ kind: 'env', target: 'DEPLOYMENT', default: 'gpt-4' },
      path: ['model', 'configuration', 'azure_deployment'],
      range: expect.objectContaining({ start: FIRST.indexOf('${env') }),
    },
  ]);
});

test('generation 2: inputs as a list, options, our own keys; a completion has no roles', () => {
  const file = parsePrompt(SECOND);
  expect(file.problems).toEqual([]);
  expect(file).toMatchObject({
    ...{ generation: 2, parts: [], dataset: 'data/texts.csv', columns: { text: 'body' } },
    examples: { count: 2, seed: 7 },
    model: { name: 'starters/gpt2', api: 'completion', options: { maxOutputTokens: 20 } },
    inputs: [
      { name: 'text', kind: 'string', default: 'Some text' },
      { name: 'words', kind: 'number', sample: 20 },
    ],
  });
  expect(shown(SECOND, file.body)).toBe(SECOND.slice(SECOND.indexOf('Text:')));
  const { key, value } = file.keys.find((entry) => entry.path.join('.') === 'inputs.1.kind')!;
  expect([shown(SECOND, key), shown(SECOND, value!)]).toEqual(['kind', 'integer']);
});

test('Windows line ends and a byte order mark change nothing but places', () => {
  const windows = `\uFEFF${FIRST.replaceAll('\n', '\r\n')}`;
  const file = parsePrompt(windows);
  const plain = parsePrompt(FIRST);
  expect(file.problems).toEqual([]);
  expect(file.inputs.map(({ name, kind }) => [name, kind])).toEqual(plain.inputs.map(({ name, kind }) => [name, kind]));
  expect(file.parts.map(({ role, text }) => [role, text.replaceAll('\r\n', '\n')])).toEqual(
    plain.parts.map(({ role, text }) => [role, text]),
  );
  expect(shown(windows, file.parts[1]!.marker!)).toBe('# User:');
  expect(shown(windows, file.inputs[0]!.range)).toBe('question');
});

describe('a broken file is read as well as it can be, and each fault has its line and key', () => {
  test('blanks that are missing behind colons', () => {
    const text = '---\nname:Ticket answer\ninputs:[]\nsample:\n  a: 1\n---\nuser:\nhello {{a}}\n';
    const file = parsePrompt(text);
    expect(file.problems.map(({ message, range }) => [message, lineAt(text, range.start)])).toEqual([
      ['name: A blank is missing after the colon.', 2],
      ['inputs: A blank is missing after the colon.', 3],
    ]);
    expect(file.problems[0]!.fixes![0]!.edits).toEqual([{ range: { start: 9, end: 9 }, text: ' ' }]);
    expect(file).toMatchObject({ name: 'Ticket answer', inputs: [], sample: { a: 1 } });
    expect(file.keys.map(({ key }) => shown(text, key))).toEqual(['name', 'inputs', 'sample', 'a']);
  });

  test('front matter that is not closed: its first line is marked, the rest goes on', () => {
    const text = '---\nname: x\nuser:\nhello';
    const file = parsePrompt(text);
    expect(codes(file)).toEqual(['error unclosed-front-matter']);
    expect(file.problems[0]!.range).toEqual({ start: 0, end: 3 });
    expect(file).toMatchObject({ name: 'x', parts: [{ role: 'user', text: 'hello' }] });
    const { range, text: inserted } = file.problems[0]!.fixes![0]!.edits[0]!;
    const mended = parsePrompt(text.slice(0, range.start) + inserted + text.slice(range.end));
    expect(mended).toMatchObject({ problems: [], name: 'x', parts: [{ role: 'user', text: 'hello' }] });
  });

  test.each([
    ['name: [\nsample: {}', 'error yaml'],
    ['name: a\nname: b', 'error yaml'],
    ['a: *nowhere', 'error yaml'],
    ['- name', 'error front-matter'],
    ['name: {a: 1}', 'error key-type'],
    ['inputs: 3', 'error inputs'],
    ['inputs:\n  - kind: string', 'error inputs'],
    ['inputs:\n  - name: a\n  - name: a', 'error inputs'],
    ['inputs:\n  - {name: two words}', 'error input-name'],
    ['inputs:\n  - {name: a, kind: number!}', 'error input-kind'],
    ['inputs:\n  - {name: a, kind: image}', 'warning input-kind'],
    ['sample: sample.json', 'warning sample'],
    ['sample: [1]', 'error sample'],
    ['sample: ${env:HOME}', 'error sample'],
    ['name: ${nothing:x}', 'error reference'],
    ['tools: [{name: search, kind: function}]', 'warning unsupported-key'],
    ['base: other.prompty', 'warning unsupported-key'],
    ['template: mustache', 'error template-format'],
    ['template: { format: { kind: mustache }, parser: {kind: prompty} }', 'error template-format'],
    ['model: { api: embedding }', 'error api'],
    ['model: { api: chat, parameters: 3 }', 'error key-type'],
    ['model: [a]', 'error key-type'],
    ['luthier: { datasets: a }', 'warning unknown-key'],
    ['luthier: { examples: 0 }', 'error key-type'],
    ['luthier: { columns: [a] }', 'error key-type'],
  ])('%j', (front, expected) => {
    const text = `---\n${front}\n---\nuser:\nhello\n`;
    const file = parsePrompt(text);
    expect(codes(file)).toContain(expected);
    expect(file.parts).toMatchObject([{ role: 'user', text: 'hello\n' }]);
    const { range } = file.problems.find(({ code, severity }) => `${severity} ${code}` === expected)!;
    expect(lineAt(text, range.start)).toBeGreaterThan(1);
    expect(range.start).toBeLessThan(text.indexOf('\n---\nuser'));
  });

  test('aliases that would fill the memory, and depth that would fill the stack', () => {
    const bomb = [
      'a: &a [x,x]',
      ...'bcdefghijklm'.split('').map((c, i) => `${c}: &${c} [*${'abcdefghijkl'[i]},*${'abcdefghijkl'[i]}]`),
    ];
    expect(codes(parsePrompt(`---\n${bomb.join('\n')}\n---\nhello`))).toContain('error yaml');
    const deep = parsePrompt(`---\nname: ${'['.repeat(20_000)}\n---\nuser:\nhello`);
    expect(deep.problems.some(({ severity }) => severity === 'error')).toBe(true);
    expect(deep.parts).toMatchObject([{ role: 'user' }]);
  });

  test('maps as keys of maps: braces of a template are read, thousands in one another are refused in time', () => {
    const braces = parsePrompt('---\nname: two\ndescription: {{ text }}\n---\nuser:\nhello');
    expect(braces.problems.filter(({ message }) => message.includes('too deeply'))).toEqual([]);
    for (const key of ['{', '? [', '{a: ']) {
      const deep = parsePrompt(`---\nname: two\nmodel: { id: m, optio${key.repeat(1_000)}\n---\nuser:\nhello`);
      expect(deep.problems.some(({ severity }) => severity === 'error')).toBe(true);
      expect(deep.parts).toMatchObject([{ role: 'user' }]);
    }
  });
});

test('tools and base, which are not read, are marked where they stand', () => {
  const text = '---\nname: x\nbase: other.prompty\ntools:\n  - search\n---\nuser:\nhello';
  expect(parsePrompt(text).problems.map(({ message, range }) => [shown(text, range), message])).toEqual([
    ['base', expect.stringMatching(/^base: no other template is built on/)],
    ['tools', 'tools: tools are not supported, so the model is told of none.'],
  ]);
});

test.each([
  ['comments', '{#'.repeat(100_000)],
  ['roles', `${' '.repeat(300)}${'a'.repeat(100)}${' '.repeat(300)}x:\n`.repeat(1_000)],
  ['comments and roles', '{##}\nx:\n'.repeat(30_000)],
  ['images', '![![](![]('.repeat(30_000)],
])('a hostile text takes no time: %s', (_, body) => {
  const start = Date.now();
  parsePrompt(`---\nsample: {}\n---\n${body}`);
  expect(Date.now() - start).toBeLessThan(4_000);
});

describe('roles', () => {
  const roles = (body: string, front = 'model: {id: x}') =>
    parsePrompt(`---\n${front}\n---\n${body}`).parts.map(({ role, text }) => [role, text.trim()]);

  test('what stands before the first marker is the system’s', () => {
    expect(roles('Be short.\nuser:\nhello')).toEqual([
      ['system', 'Be short.'],
      ['user', 'hello'],
    ]);
    expect(codes(parsePrompt('Be short.'))).toEqual(['information no-roles']);
  });

  test('a marker has a line of its own, whatever its case; a comment has none', () => {
    expect(roles('User:\nuser: hello\n{#\nassistant:\n#}\n  # ASSISTANT:\nsystem :\nhm')).toEqual([
      ['user', 'user: hello\n{#\nassistant:\n#}'],
      ['assistant', ''],
      ['system', 'hm'],
    ]);
  });

  test('each generation has its own', () => {
    expect(roles('developer:\na\nfunction:\nb\nuser[name="Ann"]:\nc')).toEqual([
      ['developer', 'a\nfunction:\nb'],
      ['user', 'c'],
    ]);
    expect(roles('developer:\na\nfunction:\nb', 'sample: {}')).toEqual([
      ['system', 'developer:\na'],
      ['tool', 'b'],
    ]);
  });
});

test('files that the body takes in are references without a key', () => {
  const text = 'user:\n${file:guide.md}\n{{ a }} ${file: more/b.txt }';
  expect(parsePrompt(text).references.map(({ target, path: key, range }) => [target, key, shown(text, range)])).toEqual(
    [
      ['guide.md', null, '${file:guide.md}'],
      ['more/b.txt', null, '${file: more/b.txt }'],
    ],
  );
});

/** Ranges of everything that a parse tells of. */
const ranges = (file: PromptFile): Range[] => [
  file.body,
  ...(file.frontMatter ? [file.frontMatter] : []),
  ...file.inputs.map(({ range }) => range),
  ...file.parts.flatMap(({ range, marker }) => [range, ...(marker ? [marker] : [])]),
  ...file.keys.flatMap(({ key, value }) => [key, ...(value ? [value] : [])]),
  ...file.references.map(({ range }) => range),
  ...file.problems.flatMap(({ range, fixes = [] }) => [
    range,
    ...fixes.flatMap(({ edits }) => edits.map((edit) => edit.range)),
  ]),
];

test('whatever the text is, nothing is thrown and every place lies within it', () => {
  const pieces = fc.constantFrom(
    ...[
      '---\n',
      '\n',
      '\r\n',
      '\uFEFF',
      'name: x\n',
      'name:x\n',
      'inputs:\n',
      '  - name: a\n',
      '  a: {type: string}\n',
    ],
    ...[
      'sample: ${file:a}\n',
      '${env:A:b}',
      'user:\n',
      'assistant:\n',
      '{{ a }}',
      '{% if %}',
      '{#',
      '#}',
      '- ',
      '[',
      '{',
      '}',
    ],
    ...[
      '*a',
      '&a ',
      '!!x ',
      '"',
      "'",
      '\t',
      '|\n',
      '? ',
      ': ',
      '__proto__: 1\n',
      'luthier:\n',
      '  examples: 3\n',
      '  columns: {a: b}\n',
    ],
    ...['model:\n', '  api: chat\n', '  options: {a: 1}\n', '\u2028', '\uD800', 'constructor:\n', '<<: *a\n'],
  );
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 4, arbitrary: pieces }, fc.string()), { maxLength: 30 }), (parts) => {
      const text = parts.join('');
      for (const { start, end } of ranges(parsePrompt(text))) {
        expect(start).toBeGreaterThanOrEqual(0);
        expect(end).toBeGreaterThanOrEqual(start);
        expect(end).toBeLessThanOrEqual(text.length);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a verbalizer has a word or several for each label', () => {
  const read = (verbalizer: string) => parsePrompt(`---\nluthier:\n  verbalizer: ${verbalizer}\n---\nuser:\nhello\n`);
  expect(read('{ good: great, bad: [awful, 13] }')).toMatchObject({
    verbalizer: { good: ['great'], bad: ['awful', '13'] },
    problems: [],
  });
  expect(parsePrompt('user:\nhello\n').verbalizer).toBeNull();
  for (const [wrong, message] of [
    ['great', 'labels with their words are expected'],
    ['{ good: , bad: awful }', 'luthier.verbalizer.good: a word, or a list of words, is expected.'],
    ['{ good: [] }', 'luthier.verbalizer.good'],
  ] as const)
    expect(
      read(wrong)
        .problems.map((problem) => problem.message)
        .join(),
    ).toContain(message);
});

test('what is no kind and no API is quoted as it stands; examples may be rows', () => {
  const { problems, examples } = parsePrompt(
    '---\ninputs: { a: { kind: { x: 1 } } }\nmodel: { api: [Images] }\nluthier: { examples: { rows: [{ a: 1 }, { a: 2 }] } }\n---\nuser:\n{{ a }}\n',
  );
  expect(problems.map(({ message }) => message.split('. There are')[0])).toEqual([
    'inputs.a: “{"x":1}” is no kind of input',
    'model.apiType: “["Images"]” is not supported',
  ]);
  expect(examples).toEqual({ count: 2, seed: 0, rows: [{ a: 1 }, { a: 2 }] });
  const wrong = parsePrompt('---\nluthier: { examples: { rows: [1] } }\n---\nuser:\nhi\n');
  expect(wrong.problems[0]!.message).toContain('luthier.examples.rows: a list of rows is expected');
});
