import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunEvent } from '../../src/protocol/index.ts';
import { buildEngine, endRuns, Program, removeEngine, stateOf } from './engine.ts';
import { makeWorkplace, writeRecipe } from './tiny.ts';

let place: string;
let long: string;
let short: string;
let cli: string;
// Only the runs of this test count as this machine's.
const run = (...args: string[]) =>
  new Program(process.execPath, [cli, ...args], place, { LUTHIER_DATA: join(place, 'data') });

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-queue ü-'));
  [{ cli }] = await Promise.all([buildEngine(), makeWorkplace(place)]);
  long = join(place, 'long.recipe.json');
  short = join(place, 'short.recipe.json');
  await writeRecipe(long, { num_train_epochs: 10_000, gradient_accumulation_steps: 27, eval_steps: 100_000 });
  await writeRecipe(short, { num_train_epochs: 1 });
});
afterAll(async () => {
  await endRuns(join(place, '.luthier', 'runs'));
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});
// Whole processes on a machine that may be busy; nothing here hangs on how fast they are.
vi.setConfig({ testTimeout: 300_000 });

type Queued = RunEvent & { state: string; run: string; position: number; behind: string[] };
const isQueued = (event: RunEvent) => event.event === 'state' && event.state === 'queued';
const queue = async () => JSON.parse(await readFile(join(place, '.luthier', 'queue.json'), 'utf8'));

it('a run waits in line with --queue and starts when the one before has ended; Ctrl-C takes it off; a run beside another is said', async () => {
  const first = run('train', long, '--json');
  await first.untilStep(1);

  const second = run('train', short, '--json', '--queue');
  const waiting = (await second.until(isQueued)) as Queued;
  const folder = waiting.run;
  expect(waiting).toMatchObject({ state: 'queued', position: 1, behind: [expect.any(String)] });
  expect(dirname(folder)).toBe(join(place, '.luthier', 'runs'));
  expect(await stateOf(folder)).toBe('queued');
  expect(await queue()).toEqual({
    format: 1,
    order: [basename(folder)],
    terminals: { [basename(folder)]: second.child.pid },
  });

  const third = run('train', short, '--json', '--queue');
  const behind = (await third.until(isQueued)) as Queued;
  expect(behind.position).toBe(2);
  third.child.kill('SIGINT');
  const left = await third.finished;
  expect(left.code).toBe(130);
  expect(left.stderr).toContain('taken off the queue');
  expect(left.events.at(-1)).toMatchObject({ event: 'state', state: 'cancelled', run: behind.run });
  expect(await stateOf(behind.run)).toBe('cancelled');
  expect((await queue()).order).toEqual([basename(folder)]);

  const beside = run('train', short, '--out', 'beside');
  expect((await beside.finished).stderr).toMatch(
    /another run is in progress \(.+\), and both take longer\. Pass --queue/,
  );

  expect(await stateOf(folder)).toBe('queued');
  expect((await run('runs', 'stop', waiting.behind[0]!, '--json').finished).code).toBe(0);
  expect((await first.finished).code).toBe(0);
  const finished = await second.finished;
  expect(finished.code).toBe(0);
  expect(finished.events.at(-1)).toMatchObject({ event: 'done', run: folder });
  expect(await queue()).toEqual({ format: 1, order: [] });
});

it('a run that is taken off the line from elsewhere, and --queue beside --detach, are told', async () => {
  const first = run('train', long, '--json');
  await first.untilStep(1);
  const second = run('train', short, '--json', '--queue');
  const waiting = (await second.until(isQueued)) as Queued;
  expect((await run('runs', 'cancel', waiting.run).finished).stderr).toContain('taken off the queue');
  const finished = await second.finished;
  expect(finished.code).toBe(130);
  expect(await stateOf(waiting.run)).toBe('cancelled');
  await run('runs', 'cancel', waiting.behind[0]!).finished;
  await first.finished;
  const both = await run('train', short, '--queue', '--detach').finished;
  expect(both.code).toBe(2);
  expect(both.stderr).toContain('--detach');
});
