import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { ClassificationReport, DoneEvent, RunEvent, RunRecord } from '../../src/protocol/index.ts';
import { buildEngine, endpointOf, endRuns, type Finished, Program, removeEngine } from './engine.ts';
import { makeWorkplace } from './tiny.ts';

const FOLDS = 3;
let place: string;
let recipe: string;
let cli: string;
let reference: Finished;
const run = (...args: string[]) => new Program(process.execPath, [cli, ...args], place);
const train = (out: string) => run('train', recipe, '--json', '--folds', String(FOLDS), '--out', out);
const readJson = async <T>(...path: string[]): Promise<T> => JSON.parse(await readFile(join(place, ...path), 'utf8'));

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier folds '));
  [{ cli }, recipe] = await Promise.all([buildEngine(), makeWorkplace(place, { num_train_epochs: 2 })]);
  reference = await train('reference').finished;
});
afterAll(async () => {
  await endRuns(place);
  await Promise.all([rm(place, { recursive: true, force: true }), removeEngine()]);
});
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

/** Loss of each step of each fold (0: the model of all rows), the last that was said. */
function lossesOf(parts: readonly Finished[]): Map<string, number> {
  const losses = new Map<string, number>();
  for (const event of parts.flatMap(({ events }) => events)) {
    if (event.event === 'step') losses.set(`${event.fold ?? 0}/${event.step}`, event.loss);
  }
  return losses;
}
const doneOf = ({ events }: Finished) => events.at(-1) as DoneEvent;
const after = (fold: number | undefined, step: number) => (event: RunEvent) =>
  event.event === 'step' && event.fold === fold && event.step >= step;

it('trains each fold and a model of all rows, and says the mean and what each fold came to', async () => {
  const done = doneOf(reference);
  expect(done.folds!.map(({ fold, n }) => [fold, n])).toEqual([
    [1, 80],
    [2, 80],
    [3, 80],
  ]);
  // A page counts as the run does, by its events alone.
  const starts = reference.events.filter((event) => event.event === 'start');
  let [of_run, step] = [{ before: 0, total: 0 }, 0];
  for (const event of reference.events) {
    if (event.event === 'start') of_run = event.of_run!;
    if (event.event !== 'step') continue;
    step = of_run.before + event.step;
    expect(step).toBeLessThanOrEqual(of_run.total);
  }
  const { total } = of_run;
  // Texts that stand alone: what the rows tell at first is what comes of it.
  expect(starts.map((start) => start.of_run!.total)).toEqual(starts.map(() => total));
  const accuracies = done.folds!.map(({ metrics }) => metrics.accuracy!);
  expect(done.metrics.accuracy).toBeCloseTo(accuracies.reduce((a, b) => a + b) / FOLDS, 12);
  const record = await readJson<RunRecord>('reference', 'run.json');
  expect(record).toMatchObject({ state: 'done', model: 'model', folds: { count: FOLDS, final: true } });
  expect(record.step).toBe(record.total_steps);
  expect([step, total]).toEqual([record.step, record.total_steps]);
  expect(record.best!.metrics).toEqual(done.metrics);
  const { validation } = await readJson<{ validation: ClassificationReport }>('reference', 'evaluation.json');
  expect(validation).toMatchObject({ n: 240, folds: FOLDS });
  expect(validation.confusion.flat().reduce((a, b) => a + b)).toBe(240);
  expect(validation.metrics.accuracy).toBeCloseTo(done.metrics.accuracy!, 12);
  const fold = await readJson<RunRecord>('reference', 'folds', '2', 'run.json');
  expect(fold).toMatchObject({ state: 'done', model: null, fold_of: { run: record.id, fold: 2, count: FOLDS } });
  expect(await readdir(join(place, 'reference', 'folds', '2'))).not.toContain('checkpoints');
  // Looked at as a run of its own it is one.
  expect(await readFile(join(place, 'reference', 'folds', '2', 'metrics.jsonl'), 'utf8')).not.toContain('of_run');
});

it('killed in a fold, paused in the next and interrupted in the last model, it comes to the very same', async () => {
  const first = train('killed');
  await first.until(after(2, 12));
  process.kill((await endpointOf(join(place, 'killed'))).pid, 'SIGKILL');
  const parts = [await first.finished];
  const second = run('runs', 'resume', 'killed', '--json');
  await second.until(after(3, 3));
  const paused = await run('runs', 'pause', 'killed', '--json').finished;
  expect(paused.code).toBe(0);
  expect((await readJson<RunRecord>('killed', 'run.json')).state).toBe('paused');
  await run('runs', 'resume', 'killed', '--detach').finished;
  await second.until(after(undefined, 5));
  second.child.kill('SIGINT');
  parts.push(await second.finished);
  const third = await run('runs', 'resume', 'killed', '--json').finished;
  parts.push(third);
  expect(third.code).toBe(0);
  expect(Object.fromEntries(lossesOf(parts))).toEqual(Object.fromEntries(lossesOf([reference])));
  expect(doneOf(third).folds).toEqual(doneOf(reference).folds);
  const lastStart = ({ events }: Finished) => events.findLast((event) => event.event === 'start')!;
  expect(lastStart(third).of_run).toEqual(lastStart(reference).of_run);
  const weights = (out: string) => readFile(join(place, out, 'model', 'model.safetensors'));
  expect((await weights('killed')).equals(await weights('reference'))).toBe(true);
});

it('stopped in a fold, it keeps the folds that are finished; --no-final trains no model', async () => {
  // Long enough to be met at work.
  const long = ['--set', 'num_train_epochs=20', '--set', 'eval_steps=400'];
  const stopped = run('train', recipe, '--json', '--folds', String(FOLDS), '--out', 'stopped', ...long);
  await stopped.until(after(2, 2));
  await run('runs', 'stop', 'stopped').finished;
  const { events, code } = await stopped.finished;
  expect(code).toBe(0);
  expect(events.at(-1)).toMatchObject({ event: 'done', model: '', folds: [{ fold: 1 }] });
  const last = await run('train', recipe, '--json', '--folds', '2', '--no-final', '--out', 'no-final').finished;
  expect(doneOf(last)).toMatchObject({ model: '', folds: [{ fold: 1 }, { fold: 2 }] });
  expect(await readdir(join(place, 'no-final'))).not.toContain('model');
});

it('refuses folds that are none', async () => {
  for (const folds of ['1', '2.5', 'x', '1000']) {
    const { code, stderr } = await run('train', recipe, '--folds', folds).finished;
    expect([code, stderr]).toEqual([2, expect.stringContaining(`--folds is ${folds}`)]);
  }
});
