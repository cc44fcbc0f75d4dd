import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PromptSource } from '../../protocol/index.ts';
import { inspectData } from '../data/inspect.ts';
import { openPrompt } from './prompt.ts';
import { PromptRenderer } from './renderer.ts';
import { listPromptRows } from './rows.ts';

let place: string;
let workspace: string;
const renderer = new PromptRenderer();

beforeAll(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'luthier prompts '));
  workspace = path.join(place, 'workspace');
  await mkdir(path.join(workspace, 'prompts'), { recursive: true });
  const files = {
    'secret.txt': 'secret',
    'workspace/guide.md': 'Be kind to {{ name }}.\n',
    'workspace/prompts/sample.json': '{"question": "Where?", "more": "${file:more.txt}"}',
    'workspace/prompts/more.txt': 'more text',
    'workspace/prompts/round.json': '{"a": "${file:round.json}"}',
    'workspace/prompts/list.json': '[1]',
    'workspace/prompts/broken.json': '{',
    'workspace/prompts/latin.txt': Buffer.from([0x66, 0xfc, 0x72]),
    'outside/one.txt': 'not for a prompt',
    'workspace/letters/good/one.txt': 'a lovely day',
    'workspace/tickets.csv': 'body,label,n\nfirst,good,1\n"second, {{ x }}",bad,2\nthird,good,3\nfourth,bad,4\n',
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(place, name)), { recursive: true });
    await writeFile(path.join(place, name), content);
  }
  await symlink(path.join(place, 'secret.txt'), path.join(workspace, 'prompts/link.txt'));
  await symlink(place, path.join(workspace, 'prompts/out'));
});
afterAll(async () => {
  renderer.dispose();
  await rm(place, { recursive: true, force: true });
});

const source = (front: string, body: string, more: Partial<PromptSource> = {}): PromptSource => ({
  text: `---\n${front}\n---\n${body}`,
  path: path.join(workspace, 'prompts/t.prompty'),
  roots: [workspace],
  ...more,
});

async function render(given: PromptSource, undefinedIs: 'error' | 'warning' = 'warning') {
  const open = await openPrompt(given, {
    environment: { GREETING: 'Hi', MY_API_KEY: 'sk', STORE: 'db://me:secret@host/x' },
  });
  return open.fill(given.row ?? null, { renderer, typed: given.values, undefinedIs });
}
const content = async (given: PromptSource) =>
  (await render(given)).messages.map((message) => message.content).join('|');

describe('what a template refers to', () => {
  test('its sample, references in it included; variables of the environment', async () => {
    expect(await content(source('sample: ${file:sample.json}', 'user:\n{{ question }} {{ more }}'))).toBe(
      'Where? more text',
    );
    const front = 'sample: { a: "${env:GREETING}", b: "${env:NOTHING:there}" }';
    expect(await content(source(front, 'user:\n{{ a }} {{ b }}'))).toBe('Hi there');
  });

  test('files of the workspace, from its own folder and above it', async () => {
    expect(await content(source('sample: { name: Ann }', 'user:\n${file:../guide.md} ${file:more.txt}'))).toBe(
      'Be kind to Ann. more text',
    );
  });

  test.each([
    ['sample: ${file:nothing.json}', 'hi', /^t\.prompty: sample: nothing\.json does not exist in .*prompts\.$/],
    ['sample: ${file:sampel.json}', 'hi', /sampel\.json does not exist in .*; did you mean “sample\.json”\?$/],
    ['sample: ${file:../../secret.txt}', 'hi', /sample: \.\.\/\.\.\/secret\.txt lies outside of the workspace\./],
    ['sample: ${file:list.json}', 'hi', /sample: list\.json has no inputs with values\./],
    ['sample: ${file:broken.json}', 'hi', /sample: broken\.json: /],
    ['sample: ${file:round.json}', 'hi', /sample\.a: \$\{file:round\.json\} goes in a circle\.|sample: .*circle/],
    ['sample: { a: "${env:NOT_THERE}" }', 'hi', /sample\.a: the variable NOT_THERE of the environment is not set\./],
    [
      'sample: { a: "${env:MY_API_KEY}" }',
      'hi',
      /sample\.a: MY_API_KEY sounds like a secret, and is put into no prompt\./,
    ],
    ['sample: { a: "${env:STORE}" }', 'hi', /sample\.a: STORE has a password in it, and is put into no prompt\./],
    ['sample: { a: "${env:toString}" }', 'hi', /sample\.a: the variable toString of the environment is not set\./],
    [
      'sample: {}',
      'user:\n${file:../../secret.txt}',
      /t\.prompty, line 5: \$\{file:\.\.\/\.\.\/secret\.txt\}: .* lies outside of the workspace\./,
    ],
    ['sample: {}', 'user:\n${file:link.txt}', /line 5: .* is a link that leads outside of the workspace\./],
    ['sample: {}', 'user:\n${file:out/secret.txt}', /line 5: .* is a link that leads outside of the workspace\./],
    ['sample: {}', 'user:\n${file:out/secrt.txt}', /line 5: .*out\/secrt\.txt does not exist in [^;]*\.$/],
    ['sample: {}', 'user:\n${file:/etc/passwd}', /line 5: .* is an absolute path/],
    ['sample: {}', 'user:\n${file:.}', /line 5: .* cannot be read/],
    ['sample: {}', 'user:\n${file:latin.txt}', /line 5: .* is no text in UTF-8\./],
    ['sample: {}\nluthier: { dataset: ../../secret.txt }', 'hi', /secret\.txt lies outside of the workspace\./],
  ])('%s, %j', async (front, body, message) => {
    await expect(render(source(front, body))).rejects.toMatchObject({
      code: 'prompt-invalid',
      message: expect.stringMatching(message),
      hint: expect.any(String),
    });
  });

  test('a template that takes itself in', async () => {
    const given = source('sample: {}', 'user:\n${file:t.prompty}');
    await writeFile(given.path!, given.text);
    await expect(render(given)).rejects.toMatchObject({ message: expect.stringMatching(/line 5: .*circle/) });
    await rm(given.path!);
  });

  test('without a workspace, its own folder alone', async () => {
    await expect(render(source('sample: {}', 'user:\n${file:../guide.md}', { roots: [] }))).rejects.toMatchObject({
      message: expect.stringMatching(/outside of the workspace/),
    });
  });
});

describe('rows', () => {
  const front =
    'inputs: [{name: text}, {name: n, kind: integer}]\nluthier: { dataset: ../tickets.csv, columns: { text: body }';

  test('of its dataset, data with braces as it is', async () => {
    const given = source(`${front} }`, 'user:\n{{ text }} {{ label }} {{ n + 1 }}', { row: 2 });
    expect(await content(given)).toBe('second, {{ x }} bad 3');
    await expect(render({ ...given, row: 5 })).rejects.toMatchObject({
      code: 'usage',
      message: 'tickets.csv has no row 5: it has 4 rows.',
    });
    await expect(render(source('sample: {}', 'user:\nhi', { row: 1 }))).rejects.toMatchObject({
      message: 't.prompty has no dataset, so it has no rows.',
    });
  });

  test('an unknown name is an error in training, with row and line; the sample never fills a row', async () => {
    const given = source(`sample: { answer: x }\n${front} }`, 'user:\n{{ text }}\n{{ answer }}', { row: 1 });
    await expect(render(given, 'error')).rejects.toMatchObject({
      code: 'prompt-invalid',
      message: 't.prompty, row 1, line 8: “answer” has no value.',
    });
    expect((await render(given)).warnings).toEqual([
      {
        message: '“answer” has no value.',
        line: 8,
        range: {
          start: given.text.indexOf('answer }}'),
          end: given.text.indexOf(' }}', given.text.indexOf('answer }}')),
        },
      },
    ]);
  });

  test('given by its cells is filled as one of the dataset: never from the sample', async () => {
    const given = source(
      `sample: { text: sample, answer: x }\n${front} }`,
      'user:\n{{ text }} {{ n + 1 }} {{ answer }}',
    );
    const row = await render({ ...given, cells: { body: 'own', n: '2' } });
    expect(row.messages[0]!.content.trim()).toBe('own 3');
    expect(row.warnings.map(({ message }) => message)).toEqual(['“answer” has no value.']);
    // What is typed stands above it, and is no cell.
    const above = await render({ ...given, cells: { body: 'own', n: 1 }, values: { text: 'mine', n: 4 } });
    expect(above.messages[0]!.content.trim()).toBe('mine 5');
    const typed = await render({ ...given, values: { n: 2 } });
    expect(typed.messages[0]!.content).toBe('sample 3 x');
  });

  test('needs no sample that can be read', async () => {
    const given = source(`sample: { text: "\${file:nothing.txt}" }\n${front} }`, 'user:\n{{ text }}');
    expect(await content({ ...given, row: 1 })).toBe('first');
    await expect(render(given)).rejects.toThrow('nothing.txt does not exist');
  });

  test('examples are drawn from it, the same for a seed, never the row itself', async () => {
    const body = 'user:\n{% for e in examples %}{{ e.text }}={{ e.label }};{% endfor %}{{ text }}';
    const examplesOf = async (seed: number, row: number) =>
      (await content(source(`${front}, examples: { count: 3, seed: ${seed} } }`, body, { row })))
        .split(';')
        .slice(0, -1);
    const [first, again] = [await examplesOf(1, 1), await examplesOf(1, 1)];
    expect(first).toHaveLength(3);
    expect(again).toEqual(first);
    expect(first).not.toContain('first=good');
    for (const row of [1, 2, 3, 4]) {
      const all = await examplesOf(7, row);
      expect(new Set(all).size).toBe(3);
      expect(all.some((one) => one.startsWith(['first', 'second', 'third', 'fourth'][row - 1]!))).toBe(false);
    }
    await expect(render(source('luthier: { examples: 2 }', 'user:\nhi'))).rejects.toMatchObject({
      message: 'luthier.examples: there is no dataset to draw them from.',
    });
  });

  test('are listed and searched for the editor', async () => {
    const { text, path: file, roots } = source(`${front} }`, 'user:\nhi');
    const place = { text, path: file!, roots: roots! };
    expect(await listPromptRows({ ...place, limit: 1, offset: 1 })).toEqual({
      columns: ['body', 'label', 'n'],
      rows: [{ row: 2, values: { body: 'second, {{ x }}', label: 'bad', n: '2' } }],
      total: 4,
    });
    const found = await listPromptRows({ ...place, limit: 10, search: 'BAD' });
    expect([found.rows.map(({ row }) => row), found.total]).toEqual([[2, 4], 2]);
  });
});

test('rows with too many or too few cells are no rows of a template, and the others count as Inspect Dataset counts them', async () => {
  await writeFile(path.join(workspace, 'broken.csv'), 'body,label\nfirst,good\nsecond,x,bad\nthird\nfourth,bad\n');
  const { text, ...around } = source('luthier: { dataset: ../broken.csv }', 'user:\n{{ body }} is {{ label }}');
  expect(await listPromptRows({ text, ...around, limit: 10 })).toEqual({
    columns: ['body', 'label'],
    rows: [
      { row: 1, values: { body: 'first', label: 'good' } },
      { row: 2, values: { body: 'fourth', label: 'bad' } },
    ],
    ...{ total: 2, left_out: 2 },
  });
  await writeFile(path.join(workspace, 'torn.jsonl'), '{"body":"first"}\n{"body":"sec\n[1]\n{"body":"third"}\n');
  const torn = await listPromptRows({ ...source('luthier: { dataset: ../torn.jsonl }', '{{ body }}'), limit: 10 });
  expect([torn.total, torn.left_out]).toEqual([2, 2]);
  expect((await inspectData({ file: path.join(workspace, 'broken.csv') })).rows).toBe(2);
  expect(await content({ text, ...around, row: 2 })).toBe('fourth is bad');
  await expect(content({ text, ...around, row: 3 })).rejects.toThrow('broken.csv has no row 3: it has 2 rows.');
});

test('truncate_tokens without a model is told, and so is an empty prompt', async () => {
  const { warnings } = await render(source('sample: { a: x }', 'user:\n{{ a | truncate_tokens(3) }}'));
  expect(warnings.map(({ message }) => message)).toEqual(['truncate_tokens needs a model, so nothing is cut here.']);
  const empty = await render(source('sample: { a: "" }', 'user:\n{{ a }}'));
  expect(empty.warnings.map(({ message }) => message)).toEqual(['The prompt is empty.']);
});

test('files of a dataset’s folder that are links leading outside are refused, those that lead inside refuse nothing', async () => {
  const letters = path.join(workspace, 'letters');
  const list = () => {
    const { text, ...around } = source('luthier: { dataset: ../letters }', 'user:\n{{ text }}');
    return listPromptRows({ text, ...around, limit: 10 });
  };
  await symlink(path.join(letters, 'good/one.txt'), path.join(letters, 'good/two.txt'));
  // Of a folder of texts, links are not read at all.
  expect((await list()).total).toBe(1);
  await symlink(path.join(place, 'outside/one.txt'), path.join(letters, 'good/three.txt'));
  await expect(list()).rejects.toMatchObject({
    code: 'prompt-invalid',
    message: 'good/three.txt in ../letters is a link that leads outside of the workspace.',
  });
  const examples = 'luthier: { examples: { dataset: ../letters, count: 1 } }';
  await expect(openPrompt(source(examples, 'user:\nHi'))).rejects.toMatchObject({ code: 'prompt-invalid' });
  await rm(path.join(letters, 'good/three.txt'));
  await symlink(path.join(place, 'outside'), path.join(letters, 'bad'));
  await expect(list()).rejects.toMatchObject({ message: expect.stringMatching(/^bad in .* leads outside/) });
  // Of a dataset that Luthier made, rows.jsonl would be.
  await rm(path.join(letters, 'bad'));
  await rm(path.join(letters, 'good'), { recursive: true });
  await writeFile(path.join(letters, 'dataset.json'), '{}');
  await symlink(path.join(place, 'outside/one.txt'), path.join(letters, 'rows.jsonl'));
  await expect(list()).rejects.toMatchObject({ message: expect.stringMatching(/^rows\.jsonl in .* leads outside/) });
});
