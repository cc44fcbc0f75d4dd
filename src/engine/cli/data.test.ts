import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { inspect, placeBehind } from './data.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-inspect-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What inspecting a file says, on both streams. */
async function said(content: string, options = {}): Promise<string> {
  const file = join(folder, 'rows.csv');
  await writeFile(file, content);
  let text = '';
  const hear = (chunk: unknown) => {
    text += String(chunk);
    return true;
  };
  const streams = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(hear));
  try {
    await inspect(file, options);
    return text;
  } finally {
    for (const stream of streams) stream.mockRestore();
  }
}

it.each([
  ['Line 22 has 3 cells, but the header has 2', 22, undefined, ''],
  ['3 rows are left out (lines 4, 5 and 9).', 4, 'text', ' (column text)'],
  ['The label column “label” is empty in every row.', undefined, 'label', ''],
  ['The headline is empty.', 3, undefined, ' (line 3)'],
  ['Something is odd.', 3, 'text', ' (line 3, column text)'],
  ['Something is odd.', undefined, undefined, ''],
])('the place behind “%s” is what that does not say', (message, line, column, behind) => {
  expect(placeBehind(message, line, column)).toBe(behind);
});

it('says a problem’s line and column once', async () => {
  const text = await said('text,label\na b c,x\nd e f,y,z\ng h i,x\nj k l,y\n');
  expect(text).toContain('Line 3 has 3 cells');
  expect(text.match(/line 3/gi)).toHaveLength(1);
});

it('says how many broken rows are in none of the figures', async () => {
  const text = await said('text,label\na b c,x\nd e f,y,z\ng h i,x\nj k l,y\nm n\n');
  expect(text).toContain('rows.csv: 3 rows (2 broken rows left out), CSV');
  expect(await said('text,label\na b c,x\nd e f,y\n')).toContain('rows.csv: 2 rows, CSV');
});

it('says that training refuses rows with errors, and what to do', async () => {
  const broken = await said('text,label\na b c,x\nd e f,y,z\ng h i,x\nj k l,y\n');
  expect(broken).toContain(
    'Training refuses this data because of 1 error. Correct or delete the lines that are named, then inspect the file again.',
  );
  const unlike = await said('text,kind\nhello to you,good\nhow are you,good\n');
  expect(unlike).toMatch(/Training refuses this data because of 1 error\.$/m);
  // A warning keeps nobody from training.
  const sound = await said('text,label\na b c,x\nd e f,y\ng h i,x\n,y\nj k l,y\n');
  expect(sound).toContain('warning: 1 row without a text');
  expect(sound).not.toContain('Training refuses');
});

it('says which option names a column that was not found', async () => {
  const text = await said('text,kind\nhello to you,good\nhow are you,good\n');
  expect(text).toContain('“kind” says “good” in every row, and a classifier needs at least two classes.');
  expect(text).toContain('If it is there, name it with --label-column.');
});

it('refuses a column of a field that the rows have not', async () => {
  const table = 'text,label\na b c,x\nd e f,y\ng h i,x\nj k l,y\n';
  await expect(said(table, { tokensColumn: 'text', task: 'text-classification' })).rejects.toThrow(
    'The rows are for text-classification, which has no --tokens-column.',
  );
});
