import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { ClassificationReport, DoneEvent, RunEvent, RunRecord } from '../../src/protocol/index.ts';
import { buildEngine, endpointOf, endRuns, type Finished, Program, removeEngine } from './engine.ts';
import { makeWorkplace } from './tiny.ts';

let place: string;
let recipe: string;
let cli: string;
let reference: Finished;
const run = (...args: string[]) => new Program(process.execPath, [cli, ...args], place);
const train = (out: string) => run('train', recipe, '--json', '--seeds', '3', '--out', out);
const readJson = async <T>(...path: string[]): Promise<T> => JSON.parse(await readFile(join(place, ...path), 'utf8'));
const weights = (out: string) => readFile(join(place, out, 'model', 'model.safetensors'));

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier seeds '));
  [{ cli }, recipe] = await Promise.all([buildEngine(), makeWorkplace(place, { num_train_epochs: 2 })]);
  reference = await train('reference').finished;
});
afterAll(async () => {
  await endRuns(place);
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const doneOf = ({ events }: Finished) => events.at(-1) as DoneEvent;
const after = (seed: number, step: number) => (event: RunEvent) =>
  event.event === 'step' && event.seed === seed && event.step >= step;
/** Loss of each step of each seed, the last that was said. */
function lossesOf(parts: readonly Finished[]): Record<string, number> {
  const losses: Record<string, number> = {};
  for (const event of parts.flatMap(({ events }) => events))
    if (event.event === 'step') losses[`${event.seed}/${event.step}`] = event.loss;
  return losses;
}

it('trains with each seed, and says mean, spread and what each came to; the model is that of the recipe’s own', async () => {
  const done = doneOf(reference);
  expect(done.seeds!.map(({ seed }) => seed)).toEqual([42, 43, 44]);
  const accuracies = done.seeds!.map(({ metrics }) => metrics.accuracy!);
  const mean = accuracies.reduce((a, b) => a + b) / 3;
  expect(done.metrics.accuracy).toBeCloseTo(mean, 12);
  const spread = Math.sqrt(accuracies.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 2);
  expect(done.deviations!.accuracy).toBeCloseTo(spread, 12);
  const record = await readJson<RunRecord>('reference', 'run.json');
  expect(record).toMatchObject({ state: 'done', model: 'model', seeds: { values: [42, 43, 44] } });
  expect(record.step).toBe(record.total_steps);
  expect(record.best!.metrics).toEqual(done.metrics);
  // Each is what a run of its seed alone is.
  const alone = await run('train', recipe, '--json', '--set', 'seed=43', '--out', 'alone').finished;
  expect(doneOf(alone).metrics).toEqual(done.seeds![1]!.metrics);
  const own = await run('train', recipe, '--json', '--out', 'own').finished;
  expect(doneOf(own).metrics).toEqual(done.seeds![0]!.metrics);
  expect((await weights('own')).equals(await weights('reference'))).toBe(true);
  const evaluation = (...path: string[]) =>
    readJson<{ validation: ClassificationReport }>(...path, 'evaluation.json').then(({ validation }) => validation);
  expect(await evaluation('reference')).toEqual(await evaluation('own'));
  expect(await evaluation('reference', 'seeds', '43')).toEqual(await evaluation('alone'));
  const seed = await readJson<RunRecord>('reference', 'seeds', '43', 'run.json');
  expect(seed).toMatchObject({
    state: 'done',
    model: null,
    recipe: { seed: 43 },
    seed_of: { run: record.id, seed: 43 },
  });
  expect(await readdir(join(place, 'reference', 'seeds', '43'))).not.toContain('checkpoints');
});

it('killed in one seed and interrupted in the next, it comes to the very same', async () => {
  const first = train('killed');
  await first.until(after(42, 30));
  process.kill((await endpointOf(join(place, 'killed'))).pid, 'SIGKILL');
  const parts = [await first.finished];
  const second = run('runs', 'resume', 'killed', '--json');
  await second.until(after(43, 5));
  second.child.kill('SIGINT');
  parts.push(await second.finished);
  expect(parts[1]!.code).toBe(130);
  const third = await run('runs', 'resume', 'killed', '--json').finished;
  parts.push(third);
  expect(third.code).toBe(0);
  expect(lossesOf(parts)).toEqual(lossesOf([reference]));
  expect(doneOf(third).seeds).toEqual(doneOf(reference).seeds);
  expect((await weights('killed')).equals(await weights('reference'))).toBe(true);
  expect((await run('runs', 'show', 'killed').finished).stdout).toMatch(/seed +rows.*\n.*\n? *42 /);
});

it('stopped in a later seed it keeps those that are finished, and the model; discarded it keeps nothing', async () => {
  // Long enough to be met at work.
  const sets = ['--set', 'num_train_epochs=20', '--set', 'eval_steps=400'];
  const long = (out: string) => run('train', recipe, '--json', '--seeds', '3', '--out', out, ...sets);
  const stopped = long('stopped');
  await stopped.until(after(43, 2));
  await run('runs', 'stop', 'stopped').finished;
  const { events, code } = await stopped.finished;
  expect(code).toBe(0);
  expect(events.at(-1)).toMatchObject({ event: 'done', seeds: [{ seed: 42 }], deviations: {} });
  expect((await readJson<RunRecord>('stopped', 'run.json')).model).toBe('model');
  expect((await weights('stopped')).length).toBeGreaterThan(0);
  const discarded = long('discarded');
  await discarded.until(after(43, 2));
  await run('runs', 'cancel', 'discarded').finished;
  await discarded.finished;
  expect(await readJson<RunRecord>('discarded', 'run.json')).toMatchObject({
    state: 'cancelled',
    model: null,
    best: null,
  });
  expect(await readdir(join(place, 'discarded'))).not.toEqual(expect.arrayContaining(['seeds']));
});

it('refuses seeds that are none, and folds beside them', async () => {
  for (const seeds of ['1', '2.5', 'x']) {
    const { code, stderr } = await run('train', recipe, '--seeds', seeds).finished;
    expect([code, stderr]).toEqual([2, expect.stringContaining(`--seeds is ${seeds}`)]);
  }
  const both = await run('train', recipe, '--seeds', '3', '--folds', '3').finished;
  expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('Pass one of them.')]);
});
