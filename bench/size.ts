import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DoneEvent } from '../src/protocol/index.ts';
import { writeManyRows } from './many-rows.ts';
import { timed } from './process.ts';

/** A first step of the starter on so many rows, through the command line: ms from the process's start, and the run's peak. */
export async function measureSize(root: string, rows: number): Promise<{ ms: number; peak_rss_bytes: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'luthier-bench-'));
  try {
    await writeManyRows(join(folder, 'rows.csv'), rows);
    const recipe = join(folder, 'size.recipe.json');
    const settings = { per_device_train_batch_size: 8, max_length: 32, max_steps: 1, validation_split: 0.001 };
    writeFileSync(recipe, JSON.stringify({ model: join(root, 'starters/bert'), dataset: 'rows.csv', ...settings }));
    const { stdout } = await timed(
      process.execPath,
      [join(root, 'dist/engine/cli.cjs'), 'train', recipe, '--out', join(folder, 'run'), '--json'],
      { LUTHIER_CACHE: join(folder, 'cache'), LUTHIER_DATA: join(folder, 'data'), LUTHIER_PRIORITY: 'normal' },
    );
    const done = JSON.parse(stdout.trim().split('\n').at(-1)!) as DoneEvent;
    return { ms: done.time_to_first_step_s * 1e3, peak_rss_bytes: done.peak_rss_bytes };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
