import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Random } from '../../src/engine/data/random.ts';
import type { DoneEvent } from '../../src/protocol/index.ts';
import { buildEngine, endRuns, Program, removeEngine } from '../faults/engine.ts';
import { makeTinyBert } from '../faults/tiny.ts';

/** A million rows take their time: `npm run test:all` asks for them. */
const ROWS = 1_000_000;
const WORDS = 20;
const MAX_RSS = 2e9;
vi.setConfig({ testTimeout: 1_200_000, hookTimeout: 300_000 });

let place: string;
let cli: string;
const wanted = Boolean(process.env.LUTHIER_ALL);

beforeAll(async () => {
  if (!wanted) return;
  place = await mkdtemp(join(tmpdir(), 'luthier-million-'));
  [{ cli }] = await Promise.all([buildEngine(), makeTinyBert(join(place, 'tiny'))]);
  await writeRows(join(place, 'rows.csv'));
});
afterAll(async () => {
  if (!wanted) return;
  await endRuns(place);
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});

async function writeRows(path: string): Promise<void> {
  const random = new Random(5);
  const words = [
    'the',
    'a',
    'shop',
    'parcel',
    'screen',
    'room',
    'was',
    'is',
    'very',
    'today',
    'lovely',
    'awful',
    'slow',
  ];
  const file = createWriteStream(path);
  file.write('text,label\n');
  for (let i = 0; i < ROWS; ) {
    const lines: string[] = [];
    for (const end = Math.min(ROWS, i + 10_000); i < end; i++) {
      const text = Array.from({ length: WORDS - 1 }, () => words[random.below(words.length)]);
      lines.push(`${text.join(' ')} ${i},${i % 2 ? 'good' : 'bad'}`);
    }
    if (!file.write(`${lines.join('\n')}\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
}

it.skipIf(!wanted)(
  'a million rows of 20 words train a few steps, in less than 2 GB (skipped: npm run test:all)',
  async () => {
    const recipe = join(place, 'million.recipe.json');
    const settings = { per_device_train_batch_size: 8, max_length: 32, max_steps: 3, validation_split: 0.001 };
    await writeFile(recipe, JSON.stringify({ model: 'tiny', dataset: 'rows.csv', num_train_epochs: 1, ...settings }));
    const finished = await new Program(process.execPath, [cli, 'train', recipe, '--json', '--out', 'run'], place)
      .finished;
    expect(finished.stderr).not.toMatch(/Error|\n\s+at /);
    expect(finished.code).toBe(0);
    const start = finished.events.find(({ event }) => event === 'start');
    expect(start).toMatchObject({ num_train_rows: ROWS - 1000, num_validation_rows: 1000 });
    const done = finished.events.at(-1) as DoneEvent;
    expect(done).toMatchObject({ event: 'done', step: 3 });
    console.log(
      `a million rows: first step after ${done.time_to_first_step_s.toFixed(1)} s, ${(done.peak_rss_bytes / 1e9).toFixed(2)} GB at most`,
    );
    expect(done.peak_rss_bytes).toBeLessThan(MAX_RSS);
  },
);
