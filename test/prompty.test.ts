import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parsePrompt } from '../src/prompts/parse.ts';
import { lineAt } from '../src/prompts/places.ts';
import { buildEngine, removeEngine } from './faults/engine.ts';

let place: string;
let cli: string;
beforeAll(async () => {
  place = await mkdtemp(path.join(tmpdir(), 'luthier prompty '));
  cli = (await buildEngine()).cli;
});
afterAll(async () => {
  await rm(place, { recursive: true, force: true });
  await removeEngine();
});

/** A command as a person types it, in a folder of templates. */
const luthier = (...args: string[]) =>
  new Promise<{ code: number; lines: unknown[]; stderr: string }>((resolve) => {
    execFile(process.execPath, [cli, 'prompt', ...args, '--json'], { cwd: place }, (error, stdout, stderr) => {
      const lines = stdout.split('\n').filter(Boolean);
      resolve({ code: Number(error?.code ?? 0), lines: lines.map((line) => JSON.parse(line) as unknown), stderr });
    });
  });

test('luthier prompt render and run: the sample, a row, all rows, and what cannot be', async () => {
  const front = 'inputs: [{name: text}, {name: n, kind: integer, default: 1}]\nsample: { text: sample }';
  const body = 'user:\n{{ text }} {{ n + 1 }}';
  await writeFile(path.join(place, 'a.prompty'), `---\n${front}\nmodel: starters/decoder\n---\n${body}`);
  await writeFile(path.join(place, 'rows.csv'), 'text,label\n{{ one }},x\ntwo,y\n');
  const message = (content: string) => [{ role: 'user', content }];
  expect(await luthier('render', 'a.prompty')).toEqual({
    ...{ code: 0, stderr: '' },
    lines: [{ row: null, messages: message('sample 2'), prompt: 'user:\nsample 2', tokens: null }],
  });
  const all = await luthier('render', 'a.prompty', '--data', 'rows.csv', '--set', 'n=4');
  expect(all.lines).toEqual([
    { row: 1, messages: message('{{ one }} 5'), prompt: 'user:\n{{ one }} 5', tokens: null },
    { row: 2, messages: message('two 5'), prompt: 'user:\ntwo 5', tokens: null },
  ]);
  const run = await luthier('run', 'a.prompty', '--data', 'rows.csv', '--row', '2', '--max-new-tokens', '3');
  expect(run).toMatchObject({
    code: 0,
    lines: [{ row: 2, tokens: 3, answer: expect.any(String), ms: expect.any(Number) }],
  });
  expect((run.lines[0] as { prompt: string }).prompt).toBe(
    '<|im_start|>user\ntwo 2<|im_end|>\n<|im_start|>assistant\n',
  );

  expect(await luthier('render', 'a.prompty', '--data', 'rows.csv', '--row', '9')).toMatchObject({
    ...{ code: 2, lines: [] },
    stderr: expect.stringContaining('rows.csv has no row 9: it has 2 rows.'),
  });
  await writeFile(path.join(place, 'loop.prompty'), 'user:\n{% for i in range(1000000000) %}{% endfor %}');
  expect(await luthier('render', 'loop.prompty')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('loop.prompty: the template takes more than 2 s, so it was ended.'),
  });
  expect(await luthier('run', 'loop.prompty')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('loop.prompty names no model.'),
  });
  expect(await luthier('render', 'nothing.prompty')).toMatchObject({ code: 2 });
});

const field = path.join(import.meta.dirname, '../../shared/field/next/N16-prompty');

test.skipIf(!existsSync(field))('files of the field (they are not part of the project)', () => {
  const read = (name: string) => readFileSync(path.join(field, name), 'utf8');
  expect(parsePrompt(read('crlf.prompty'))).toMatchObject({
    ...{ generation: 1, sampleFile: 'sample.json', inputs: [{ name: 'question' }] },
    problems: [{ code: 'sample', severity: 'warning' }],
    parts: [{ role: 'system' }, { role: 'user' }],
  });
  expect(parsePrompt(read('file-ref.prompty'))).toMatchObject({
    ...{ problems: [], sampleFile: 'sample.json', model: { name: '${env:LUTHIER_MODEL:starters/gpt2}' } },
  });
  const blank = read('no-space.prompty');
  expect(parsePrompt(blank).problems.map(({ code, range }) => [code, lineAt(blank, range.start)])).toEqual([
    ['colon-blank', 2],
    ['colon-blank', 3],
  ]);
  expect(parsePrompt(read('unclosed.prompty'))).toMatchObject({
    problems: [{ code: 'unclosed-front-matter', range: { start: 0 } }],
    parts: [{ role: 'user' }],
  });
});
