import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RunRecord } from '../../protocol/index.ts';
import { CrossValidation } from './cross-validation.ts';

it('a fold’s folder is made in the run’s own, not behind a link that took its place while the run trained', async () => {
  const place = await mkdtemp(join(tmpdir(), 'luthier-folds-'));
  try {
    const folder = await mkdtemp(join(place, 'run-'));
    const elsewhere = await mkdtemp(join(place, 'elsewhere-'));
    const record = { folds: { count: 3, final: false, results: [], deviations: {} } } as unknown as RunRecord;
    const validation = new CrossValidation(folder, () => record);
    expect(await validation.next(false)).toEqual({
      fold: 1,
      part: { fold: 1, count: 3 },
      folder: join(folder, 'folds', '1'),
    });
    expect(await readdir(join(folder, 'folds'))).toEqual(['1']);
    for (const path of ['folds/1/checkpoints', 'folds/1', 'folds']) {
      await rm(join(folder, path), { recursive: true, force: true });
      await symlink(elsewhere, join(folder, path), 'junction');
      await expect(validation.next(false)).rejects.toMatchObject({ code: 'run-untrusted' });
    }
    expect(await readdir(elsewhere)).toEqual([]);
  } finally {
    await rm(place, { recursive: true });
  }
});
