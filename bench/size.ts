import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DoneEvent } from '../src/protocol/index.ts';
import type { SizeWork } from './cases.ts';
import { writeManyRows } from './many-rows.ts';
import { randomDecoder } from './models.ts';
import { timed } from './process.ts';

/** Through the command line: ms from the process's start to the end of the first step, and the run's peak. */
export async function measureSize(root: string, work: SizeWork): Promise<{ ms: number; peak_rss_bytes: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'luthier-bench-'));
  try {
    const recipe = join(folder, 'size.recipe.json');
    writeFileSync(recipe, JSON.stringify(await recipeOf(work, root, folder)));
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

async function recipeOf(work: SizeWork, root: string, folder: string): Promise<object> {
  if (work.type === 'rows') {
    await writeManyRows(join(folder, 'rows.csv'), work.rows);
    const settings = { per_device_train_batch_size: 8, max_length: 32, max_steps: 1, validation_split: 0.001 };
    return { model: join(root, 'starters/bert'), dataset: 'rows.csv', ...settings };
  }
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  writeFileSync(
    join(folder, 'docs.txt'),
    pages.map((name) => readFileSync(join(root, 'docs', name), 'utf8')).join('\n'),
  );
  return {
    ...{ task: 'text-generation', model: await randomDecoder(root, 'qwen2.5-0.5b'), dataset: 'docs.txt' },
    strategy: { type: 'lora', r: 8, lora_alpha: 16, target_modules: ['q_proj', 'v_proj'] },
    ...{ max_length: work.length, per_device_train_batch_size: 1, per_device_eval_batch_size: 1, max_steps: 2 },
    validation_split: 0.1,
  };
}
