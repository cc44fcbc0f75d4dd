/** What the engine advises in the terminal's words is advised in the editor's, where there is no command line. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDataset } from '../../src/engine/data/dataset.ts';
import { LABELLED } from '../../src/engine/data/labelled.ts';
import { readTable } from '../../src/engine/data/read.ts';
import { toHostError } from '../../src/extension/errors.ts';
import type { LuthierError } from '../../src/protocol/index.ts';

test('a dataset at fault is looked at by Inspect Dataset', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'luthier hints ü-'));
  try {
    await writeFile(join(folder, 'rows.csv'), 'text,label\nlovely day,good\ngreat day,good\nfine day,good\n');
    const thrown = await loadDataset(LABELLED, 'rows.csv', {
      base: folder,
      columns: {},
      validation_split: 0.2,
      seed: 1,
    }).then(
      () => null,
      (error: unknown) => error as LuthierError,
    );
    expect(thrown).toMatchObject({ code: 'data-invalid', hint: expect.stringContaining('luthier data inspect') });
    const { code, message, hint } = thrown!;
    const sent = Object.assign(new Error(message), { data: { code, message, hint } });
    expect(toHostError(sent).hint).toBe('Use Inspect Dataset to see all problems.');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('plain text is offered to a model that writes, with the recipe’s key alone', async () => {
  const thrown = await readTable({ file: 'notes.txt', text: 'Once upon a time there was a king.\nThe end.\n' }).then(
    () => null,
    (error: unknown) => error as LuthierError,
  );
  const { code, message, hint } = thrown!;
  expect(hint).toContain('--task text-generation');
  const sent = Object.assign(new Error(message), { data: { code, message, hint } });
  expect(toHostError(sent).hint).toMatch(/ set "task": "text-generation" in a recipe\.$/);
});
