import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { renderTemplate } from './prompt-template.ts';

let folder: string;
let told: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-prompt-'));
  await writeFile(
    join(folder, 'meal.prompty'),
    '---\nname: Meal\ninputs:\n  - name: tone\n    kind: string\nsample:\n  tone: friendly\n---\nuser:\nAnswer in a {{tone}} way.\n',
  );
  told = '';
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      told += String(text);
      return true;
    });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

it('says that a name of --set is no input of the template, and which one is near', async () => {
  expect(await renderTemplate(join(folder, 'meal.prompty'), { set: ['tonne=x'] })).toBe(0);
  expect(told).toMatch(/“tonne” is not an input of .*; did you mean “tone”\?/);
  expect(told).toContain('Answer in a friendly way.');
  told = '';
  await renderTemplate(join(folder, 'meal.prompty'), { set: ['tone=curt'] });
  expect(told).not.toContain('is not an input');
  expect(told).toContain('Answer in a curt way.');
});

it('takes no row that is no whole number', async () => {
  for (const row of ['three', '0', '1.5', '-1'])
    await expect(renderTemplate(join(folder, 'meal.prompty'), { set: [], row })).rejects.toMatchObject({
      code: 'usage',
      message: `--row is ${row}; it must be a whole number, from 1 on.`,
    });
});
