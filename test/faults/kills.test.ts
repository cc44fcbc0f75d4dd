import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Random } from '../../src/engine/data/random.ts';
import { effectiveEvents, readEvents } from '../../src/runs/metrics.ts';
import { buildEngine, endRuns, losses, Program, removeEngine, stateOf } from './engine.ts';
import { makeWorkplace } from './tiny.ts';

/** `npm run test:all` kills 200 times. */
const KILLS = Number(process.env.LUTHIER_KILLS ?? 3);
/** A run is killed so often at most before it is let go to its end. */
const MOST = 4;
vi.setConfig({ testTimeout: 120_000 + KILLS * 60_000 });

let place: string;
let recipe: string;
let cli: string;
let wholeMs: number;
const run = (...args: string[]) => new Program(process.execPath, [cli, ...args], place);

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-kills-'));
  [{ cli }, recipe] = await Promise.all([buildEngine(), makeWorkplace(place, { num_train_epochs: 3, save_steps: 10 })]);
  const began = performance.now();
  expect((await run('train', recipe, '--json', '--out', 'reference').finished).code).toBe(0);
  wholeMs = performance.now() - began;
}, 300_000);
afterAll(async () => {
  await endRuns(place);
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});

const lossesOf = async (folder: string) =>
  losses(effectiveEvents(await readEvents(join(place, folder, 'metrics.jsonl'))));
const weights = (folder: string) => readFile(join(place, folder, 'model', 'model.safetensors'));

/** The process that works on a run, from the moment that it has the lock. */
async function processOf(folder: string): Promise<number | null> {
  try {
    return JSON.parse(await readFile(join(place, folder, 'run.lock'), 'utf8')).pid;
  } catch {
    return null;
  }
}

it(`runs killed ${KILLS} times at any moment, the first and the last included, end as if nothing had been`, async () => {
  const seed = Date.now() % 2 ** 31;
  const random = new Random(seed);
  const expected = { losses: await lossesOf('reference'), weights: await weights('reference') };
  for (let kills = 0, i = 0; kills < KILLS; i++) {
    const folder = `run-${i}`;
    const what = `seed ${seed}, ${folder}`;
    let program = run('train', recipe, '--json', '--out', folder);
    for (let n = 1 + random.below(MOST); n > 0 && kills < KILLS; n--) {
      // As long as a whole run takes, and a little: also while it begins, while the model is saved, and afterwards.
      await new Promise((resolve) => setTimeout(resolve, random.float() * wholeMs * 1.05));
      const pid = await processOf(folder);
      if (pid !== null) {
        try {
          process.kill(pid, 'SIGKILL');
          kills++;
        } catch {
          // It ended at this moment.
        }
      }
      const ended = await program.finished;
      if (ended.code === 0 || pid === null) break;
      program = run('runs', 'resume', folder, '--json');
    }
    let last = await program.finished;
    // Killed at its last breath, or let go without a kill.
    for (let tries = 0; last.code !== 0 && tries < 3; tries++)
      last = await run('runs', 'resume', folder, '--json').finished;
    expect([what, last.code, last.stderr]).toEqual([what, 0, last.stderr]);
    expect([what, await stateOf(join(place, folder))]).toEqual([what, 'done']);
    expect([what, await lossesOf(folder)]).toEqual([what, expected.losses]);
    expect([what, (await weights(folder)).equals(expected.weights)]).toEqual([what, true]);
    await rm(join(place, folder), { recursive: true });
  }
});
