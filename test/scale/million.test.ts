import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { writeManyRows } from '../../bench/many-rows.ts';
import type { DoneEvent } from '../../src/protocol/index.ts';
import { buildEngine, endRuns, Program, removeEngine } from '../faults/engine.ts';
import { makeTinyBert } from '../faults/tiny.ts';

/** More rows than a call takes arguments (about 125,000): whoever spreads them into one fails here. */
const MANY = 200_000;
/** A million rows take their time: `npm run test:all` asks for them. */
const MILLION = 1_000_000;
const MAX_RSS = 2e9;
const VALIDATION = 1000;
vi.setConfig({ testTimeout: 1_200_000, hookTimeout: 300_000 });

let place: string;
let cli: string;
const isAll = Boolean(process.env.LUTHIER_ALL);

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-million-'));
  [{ cli }] = await Promise.all([buildEngine(), makeTinyBert(join(place, 'tiny'))]);
});
afterAll(async () => {
  await endRuns(place);
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});

/** A few steps on so many rows of 20 words. */
async function trainOn(rows: number): Promise<DoneEvent> {
  const [dataset, recipe] = [`rows-${rows}.csv`, join(place, `rows-${rows}.recipe.json`)];
  await writeManyRows(join(place, dataset), rows);
  const settings = {
    per_device_train_batch_size: 8,
    max_length: 32,
    max_steps: 3,
    validation_split: VALIDATION / rows,
  };
  await writeFile(recipe, JSON.stringify({ model: 'tiny', dataset, num_train_epochs: 1, ...settings }));
  const run = new Program(process.execPath, [cli, 'train', recipe, '--json', '--out', `run-${rows}`], place);
  const { stderr, code, events } = await run.finished;
  expect(stderr).not.toMatch(/Error|\n\s+at /);
  expect(code).toBe(0);
  const start = events.find(({ event }) => event === 'start');
  expect(start).toMatchObject({ num_train_rows: rows - VALIDATION, num_validation_rows: VALIDATION });
  const done = events.at(-1) as DoneEvent;
  expect(done).toMatchObject({ event: 'done', step: 3 });
  console.log(
    `${rows.toLocaleString('en')} rows: first step after ${done.time_to_first_step_s.toFixed(1)} s, ${(done.peak_rss_bytes / 1e9).toFixed(2)} GB at most`,
  );
  return done;
}

it('200,000 rows train a few steps', async () => {
  await trainOn(MANY);
});

it.skipIf(!isAll)(
  'a million rows of 20 words train a few steps, in less than 2 GB (skipped: npm run test:all)',
  async () => {
    expect((await trainOn(MILLION)).peak_rss_bytes).toBeLessThan(MAX_RSS);
  },
);
