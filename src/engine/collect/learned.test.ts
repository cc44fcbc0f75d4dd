import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FEWEST_ACCEPTED, type LearnedCompletion, lineOf } from '../../completions/learned.ts';
import { ownCompletionsText } from '../../protocol/index.ts';
import { loadDataset } from '../data/dataset.ts';
import { PASSAGES } from '../tasks/text-generation/rows.ts';
import { collectFiles } from './collect.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier learned ü-'));
  file = join(folder, '.learned.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const row = (n: number, more: Partial<LearnedCompletion> = {}): LearnedCompletion => ({
  ...{ id: `id${n}`, at: '2026-11-27T08:00:00.000Z', outcome: 'accepted', edited: false, language: 'markdown' },
  ...{ model: 'm', file: 'notes.md', prompt: `# Notes\n\nLine ${n - 1} of many.\nOn day ${n} the keeper of` },
  ...{ suggestion: ' the garden', completion: ` the garden wrote report ${n}.`, after: '', ...more },
});
const many = (count: number, more: (n: number) => Partial<LearnedCompletion> = () => ({})) =>
  Array.from({ length: count }, (_, i) => row(i, more(i)));
const text = (n: number) =>
  Array.from({ length: 12 }, (_, i) => `Page ${n} says ${(n * 31 + i * 7) % 97} of ${n * i}.`).join('\n');

async function collect(rows: readonly LearnedCompletion[], files = 12) {
  await writeFile(file, rows.map(lineOf).join(''));
  for (let i = 0; i < files; i++) await writeFile(join(folder, `page${i}.md`), text(i));
  return await collectFiles({ folder, home: join(folder, '.luthier'), name: 'my-update', completions: file });
}
const read = async (path: string) => ({
  rows: (await readFile(join(path, 'rows.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; text: string; prompt?: string }),
  splits: JSON.parse(await readFile(join(path, 'splits.json'), 'utf8')) as { validation: string[]; test: string[] },
});

it('completions are rows with prompts; some that were accepted are held out, and stay so when others come', async () => {
  const made = await collect(many(40));
  const { rows, splits } = await read(made.path);
  const { learnt, held_out } = made.completions!;
  expect(learnt + held_out).toBe(40);
  expect(held_out).toBeGreaterThanOrEqual(4);
  expect(held_out).toBeLessThanOrEqual(16);
  expect(rows).toHaveLength(12 + 40);
  expect(rows.at(-1)).toMatchObject({ prompt: expect.stringContaining('the keeper of') });
  expect(splits.test.every((id) => id.startsWith('completion:'))).toBe(true);
  expect(splits.validation.every((id) => id.startsWith('page'))).toBe(true);
  expect(ownCompletionsText(made.completions!)).toBe(
    `${learnt} completions are learnt and ${held_out} that you accepted are held out.`,
  );
  const loaded = await loadDataset(PASSAGES, made.path, { base: folder, validation_split: 0.1, seed: 42 });
  const prompted = loaded.train.filter(({ prompt }) => prompt !== undefined);
  expect(prompted).toHaveLength(learnt);
  expect(loaded.train.length - learnt + loaded.validation.length).toBe(12);
  const later = await read((await collect(many(44))).path);
  const before = new Set(splits.test);
  expect(later.splits.test.filter((id) => Number(id.slice('completion:id'.length)) < 40)).toEqual(
    [...before].filter((id) => later.splits.test.includes(id)),
  );
});

it('nothing that is learnt tells of what is held out: other completions of the line, the file, a copy of the line', async () => {
  const rows = many(30, () => ({ file: 'elsewhere.md' }));
  const first = await collect(rows);
  const [held] = (await read(first.path)).splits.test.map((id) => rows.find((one) => id === `completion:${one.id}`)!);
  // Written over again later, rejected in between, and the line copied to a page.
  const again = { ...held!, id: 'again', prompt: held!.prompt.replace('# Notes', '# Other notes') };
  const instead = { ...held!, id: 'instead', outcome: 'rejected' as const, prompt: `${held!.prompt} the` };
  const line = `${held!.prompt.split('\n').at(-1)}${held!.completion}`;
  await writeFile(join(folder, 'copy.md'), `${text(50)}\n${line}\n`);
  await writeFile(join(folder, 'elsewhere.md'), text(51));
  const made = await collect([...rows, again, instead]);
  const { rows: kept } = await read(made.path);
  const ids = kept.map(({ id }) => id);
  expect(ids).toContain(`completion:${held!.id}`);
  for (const id of ['completion:again', 'completion:instead', 'copy.md', 'elsewhere.md']) expect(ids).not.toContain(id);
  expect(made.left_out.find(({ reason }) => reason === 'held-out')).toMatchObject({ files: 2 });
  expect(made.completions).toMatchObject({ left_out: 2 });
});

it('completions of files that are held out are not learnt', async () => {
  const pages = (n: number) => ({ file: `page${n % 12}.md`, prompt: `${n}\nA line ${n}` });
  const made = await collect(many(36, pages), 40);
  const { rows, splits } = await read(made.path);
  const held = new Set([...splits.validation, ...splits.test]);
  const learnt = rows.filter(({ id }) => id.startsWith('completion:') && !held.has(id));
  for (const { id } of learnt) expect(held).not.toContain(`page${Number(id.slice(13)) % 12}.md`);
});

it('too few that were accepted, no files and no file of completions are each said', async () => {
  const rejected = many(50, () => ({ outcome: 'rejected' }));
  await expect(collect(many(30), 1)).rejects.toThrow(/has a single file to learn from/);
  await expect(collect([...rejected, ...many(FEWEST_ACCEPTED - 1)])).rejects.toMatchObject({
    code: 'data-invalid',
    message: `Suggestions were accepted on ${FEWEST_ACCEPTED - 1} lines so far; learning from them takes ${FEWEST_ACCEPTED}.`,
  });
  await rm(file);
  const options = { folder, home: join(folder, '.luthier'), name: 'my-update', completions: file };
  await expect(collectFiles(options)).rejects.toThrow(/There is no file .* of completions to learn from/);
});

it('the same at the same place counts once, and lines that cannot be read are counted', async () => {
  await collect(many(25));
  await writeFile(file, `${[...many(25), ...many(25)].map(lineOf).join('')}torn\n`);
  const { completions } = await collectFiles({ folder, home: join(folder, '.luthier'), name: 'u', completions: file });
  expect(completions!.learnt + completions!.held_out).toBe(25);
  expect(completions!.broken).toBe(1);
});
