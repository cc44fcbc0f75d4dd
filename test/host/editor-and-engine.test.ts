/**
 * The editor's host against the real engine, without VS Code: what the commands do, on a tiny BERT.
 * Crosses floors on purpose, which is why it stands here.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { makeBertFolder } from '../../src/engine/hub/testing/bert-folder.ts';
import { launchRun, launchService } from '../../src/extension/engine/launch.ts';
import type { NodeChoice } from '../../src/extension/engine/node.ts';
import { selfTest } from '../../src/extension/engine/self-test.ts';
import { EngineService } from '../../src/extension/engine/service.ts';
import { toHostError } from '../../src/extension/errors.ts';
import { silentLog } from '../../src/extension/log.ts';
import { RunActions } from '../../src/extension/runs/actions.ts';
import { readEvaluations } from '../../src/extension/runs/evaluations.ts';
import type { Run } from '../../src/extension/runs/run.ts';
import { RunStarter } from '../../src/extension/runs/starter.ts';
import { RunStore } from '../../src/extension/runs/store.ts';
import { cellRows } from '../../src/extension/views/cells.ts';
import { RunFeed } from '../../src/extension/views/feed.ts';
import { describeTried } from '../../src/extension/views/tried.ts';
import type { ClassificationReport } from '../../src/protocol/evaluation.ts';
import { type MaskPrediction, maskFills, type Prediction } from '../../src/protocol/index.ts';
import { parseTryoutMessage } from '../../src/protocol/tryout-page.ts';
import { buildEngine, removeEngine } from '../faults/engine.ts';
import { makeWorkplace, tinyRows, writeRecipe } from '../faults/tiny.ts';

const PATIENCE = { timeout: 120_000, interval: 50 };

const node: NodeChoice = { path: process.execPath, version: '', origin: 'path', reason: 'test', environment: {} };
let engine: Awaited<ReturnType<typeof buildEngine>>;
let folder: string;
let home: string;
let recipePath: string;
let service: EngineService;
const windows: { dispose(): void }[] = [];

beforeAll(async () => {
  engine = await buildEngine();
  folder = await mkdtemp(join(tmpdir(), 'luthier hôst '));
  home = join(folder, '.luthier');
  recipePath = await makeWorkplace(folder, { num_train_epochs: 40, save_steps: 10, metric_for_best_model: 'accuracy' });
  service = new EngineService({
    launch: () => launchService(node, engine.service, silentLog),
    initialize: async () => ({ client: 'test' }),
    log: silentLog,
    idleMs: () => 600_000,
  });
}, 300_000);

afterEach(() => {
  for (const window of windows.splice(0)) window.dispose();
});

afterAll(async () => {
  service?.dispose();
  await removeEngine();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** What one VS Code window has. */
async function openWindow() {
  const failures: string[] = [];
  const store = new RunStore({ log: silentLog, client: 'test', mayConnect: () => true });
  const starter = new RunStarter({
    store,
    log: silentLog,
    launch: (path, launch) => launchRun(node, engine.runner, path, launch),
    mayStart: () => true,
    onFailure: (_run, error) => void failures.push(error.message),
  });
  store.poll(300);
  windows.push(starter, store);
  await store.setHomes([home]);
  await starter.reload([home]);
  return { store, starter, actions: new RunActions(store, starter), failures };
}

async function makeRun(window: Awaited<ReturnType<typeof openWindow>>): Promise<Run> {
  const { path } = await service.request('run/create', { recipe_path: recipePath, folder: home });
  await window.store.refreshRun(path);
  return window.store.get(path)!;
}

test('a selection becomes a data set, an estimate and a run', async () => {
  const text = tinyRows(60);
  const selected = text.split('\n').slice(10, 50).join('\n');
  const source = { file: 'Untitled-1.csv', selection: { text: selected, full_text: text, start_line: 11 } };
  const summary = await service.request('data/inspect', source);
  expect(summary).toMatchObject({ rows: 40, guess: { text: 'text', label: 'label' } });
  const made = await service.request('data/create', { ...source, folder: home, name: 'mine', columns: summary.guess });
  expect(made.record).toMatchObject({ name: 'mine', rows: 40, labels: ['bad', 'good'] });
  const again = service.request('data/create', { ...source, folder: home, name: 'mine', columns: summary.guess });
  await expect(again.catch((error: unknown) => Promise.reject(toHostError(error)))).rejects.toMatchObject({
    name: 'HostError',
    message: expect.stringContaining('mine'),
  });
  const recipe = { model: 'tiny', dataset: 'mine', max_length: 16, per_device_train_batch_size: 4 };
  const estimate = await service.request('run/estimate', { recipe, base: folder });
  expect(estimate.classes.length).toBe(2);
  expect([estimate.rows, estimate.validation_rows]).toEqual([40, 4]);
  expect(estimate.total_steps).toBeGreaterThan(0);
  const rows = await service.request('data/rows', { data: made.path, columns: {}, limit: 5 });
  expect(rows.total).toBe(40);
  const run = await service.request('run/create', { recipe, base: folder, folder: home, name: 'mine' });
  expect(run.record).toMatchObject({ state: 'queued', name: 'mine' });
  await rm(run.path, { recursive: true });
}, 300_000);

test('a masked base model is found, described and asked as it is; one of layers alone is told', async () => {
  await makeBertFolder(join(folder, 'masked'), { masked: true });
  await makeBertFolder(join(folder, 'layers'), { classes: 0 });
  const listed = await service.request('models/list', { folders: [folder] });
  const answers = Object.fromEntries(listed.map((model) => [model.name, model.answers]));
  expect(answers).toMatchObject({
    ...{ masked: 'fill-mask', layers: null, 'starters/bert': null, 'starters/decoder': 'conversational' },
  });
  const tried = (name: string) => describeTried(service, { path: join(folder, name), name });
  expect(await tried('masked')).toMatchObject({ answers: 'fill-mask', mask: '[MASK]' });
  await expect(tried('layers')).rejects.toMatchObject({ code: 'model-unsupported' });
  await expect(tried('nowhere')).rejects.toMatchObject({ code: 'model-invalid' });
  const texts = [{ text: 'the parcel is [MASK]' }, { text: '[MASK] invoice is [MASK]' }];
  const tuned = (await service.request('predict', { model: join(folder, 'masked'), texts })) as MaskPrediction[];
  expect(tuned.map((answer) => maskFills(answer).map((fills) => fills.length))).toEqual([[5], [5, 5]]);
  // The page takes what the engine gives.
  expect(parseTryoutMessage({ type: 'predictions', id: 1, tuned, base: null, ms: 1 })).toMatchObject({ ok: true });
}, 300_000);

test('prose, an empty selection and one class only are refused in one sentence', async () => {
  const cases = [
    { file: 'a.txt', text: 'Dear all,\n\nthis is a letter and no table at all.\n\nBest\n' },
    { file: 'a.csv', selection: { text: '  \n', full_text: 'text,label\n', start_line: 2 } },
  ];
  for (const source of cases) {
    const outcome = await service.request('data/inspect', source).then(
      ({ problems }) => problems.find(({ severity }) => severity === 'error')?.message,
      (error: unknown) => toHostError(error).message,
    );
    expect(outcome).toMatch(/^[^\n]+$/);
  }
  await writeFile(join(folder, 'one.csv'), 'text,label\na b,x\nc d,x\ne f,x\n');
  const recipe = { model: 'tiny', dataset: 'one.csv' };
  const one = await service.request('run/estimate', { recipe, base: folder }).then(
    ({ problems }) => problems.find(({ severity }) => severity === 'error')?.message,
    (error: unknown) => toHostError(error).message,
  );
  expect(one).toMatch(/class/);
}, 300_000);

test('a run from the editor: live, paused, resumed, killed, interrupted, resumed by another window, stopped, tried', async () => {
  const first = await openWindow();
  const run = await makeRun(first);
  await first.starter.enqueue(run);
  await vi.waitFor(() => expect(run.progress?.step ?? 0).toBeGreaterThan(3), PATIENCE);
  expect(run.state).toBe('running');

  await first.actions.pause(run);
  expect(run.state).toBe('paused');
  const second = await openWindow();
  const same = second.store.get(run.folder)!;
  await vi.waitFor(() => expect(second.store.connection(same)).not.toBeNull(), PATIENCE);
  expect(same.state).toBe('paused');
  await second.actions.resume(same);
  const paused = run.progress!.step;
  await vi.waitFor(() => expect(run.progress!.step).toBeGreaterThan(paused), PATIENCE);

  const feed = new RunFeed(run.folder);
  await feed.read();
  first.store.events.on(({ line, event }) => feed.live([{ line, event }]));
  await vi.waitFor(() => expect(run.progress!.step).toBeGreaterThan(25), PATIENCE);
  process.kill(first.store.connection(run)!.pid, 'SIGKILL');
  await vi.waitFor(() => expect([run.state, same.state]).toEqual(['interrupted', 'interrupted']), PATIENCE);

  // The first window is gone; the other one goes on.
  await second.actions.resume(same);
  await vi.waitFor(() => expect(same.progress?.step ?? 0).toBeGreaterThan(40), PATIENCE);
  await Promise.all([second.actions.stop(same), first.actions.stop(run)]);
  await vi.waitFor(() => expect([run.state, same.state]).toEqual(['stopped', 'stopped']), PATIENCE);
  expect(run.record.model).not.toBeNull();
  expect(run.record.best?.metrics.accuracy).toBeGreaterThan(0.4);

  await feed.read();
  const steps = [...feed.steps.column('step')];
  expect(steps).toEqual(steps.map((_, i) => i + 1));
  const [report] = (await readEvaluations(run.folder)).reports;
  expect(report?.split).toBe('validation');

  const model = join(run.folder, run.record.model!);
  const predictions = await service.request('predict', { model, texts: ['good', 'bad'] });
  expect((predictions as Prediction[]).map(({ scores }) => Object.keys(scores).sort())).toEqual([
    ['bad', 'good'],
    ['bad', 'good'],
  ]);
  // Every cell of the confusion matrix opens as many rows as it counts.
  for (const [i, actual] of (report as ClassificationReport).labels.entries()) {
    for (const [j, predicted] of (report as ClassificationReport).labels.entries()) {
      const cell = await cellRows(run.folder, { split: 'validation', actual, predicted }, service);
      expect(cell.total).toBe((report as ClassificationReport).confusion[i]![j]);
      expect(cell.rows.length).toBe(cell.total);
    }
  }
  expect([...first.failures, ...second.failures]).toEqual([]);
}, 600_000);

test('a run started in a terminal is seen, and waits for nobody', async () => {
  const window = await openWindow();
  const { path } = await service.request('run/create', { recipe_path: recipePath, folder: home });
  const record = JSON.parse(await readFile(join(path, 'run.json'), 'utf8'));
  await launchRun(node, engine.runner, path, { resume: false, since: Date.now() });
  await vi.waitFor(() => expect(window.store.get(path)?.state).toBe('running'), PATIENCE);
  const waiting = await makeRun(window);
  expect((await window.starter.enqueue(waiting))?.record.id).toBe(record.id);
  await window.starter.withdraw(waiting);
  expect(waiting.state).toBe('cancelled');
  await window.actions.cancel(window.store.get(path)!);
  await vi.waitFor(() => expect(window.store.get(path)?.state).toBe('cancelled'), PATIENCE);
}, 600_000);

test('a data file that changes or goes while its run trains costs it nothing; to resume on it is refused by name', async () => {
  const window = await openWindow();
  const recipe = join(folder, 'passing.recipe.json');
  const data = join(folder, 'passing.csv');
  const startRun = async (epochs: number) => {
    await writeFile(data, tinyRows(240));
    await writeRecipe(recipe, { dataset: 'passing.csv', num_train_epochs: epochs, save_steps: 5 });
    const { path } = await service.request('run/create', { recipe_path: recipe, folder: home });
    await window.store.refreshRun(path);
    const run = window.store.get(path)!;
    await window.starter.enqueue(run);
    await vi.waitFor(() => expect(run.progress?.step ?? 0).toBeGreaterThan(10), PATIENCE);
    return run;
  };
  const whole = await startRun(3);
  await rm(data);
  await vi.waitFor(() => expect(whole.state).toBe('done'), PATIENCE);
  expect(whole.record.model).not.toBeNull();

  const killed = await startRun(400);
  await writeFile(data, tinyRows(200, 2));
  process.kill(window.store.connection(killed)!.pid, 'SIGKILL');
  await vi.waitFor(() => expect(killed.state).toBe('interrupted'), PATIENCE);
  await window.actions.resume(killed);
  await vi.waitFor(() => expect(killed.state).toBe('failed'), PATIENCE);
  expect(killed.record.error?.message).toMatch(/dataset has changed/);
  // With its data back it goes on: nothing was lost.
  await writeFile(data, tinyRows(240));
  const before = killed.record.step;
  await window.actions.resume(killed);
  await vi.waitFor(() => expect(killed.progress?.step ?? 0).toBeGreaterThan(before), PATIENCE);
  await window.actions.cancel(killed);
  await vi.waitFor(() => expect(killed.state).toBe('cancelled'), PATIENCE);
  expect(window.failures).toEqual([]);
}, 600_000);

test('a run that cannot work says why in its record', async () => {
  const window = await openWindow();
  const broken = join(folder, 'broken.recipe.json');
  await writeRecipe(broken, { learning_rate: 1e-3, columns: { text: 'text', label: 'nothing' } });
  const outcome = await service
    .request('run/create', { recipe_path: broken, folder: home })
    .then(async ({ path }) => {
      await window.store.refreshRun(path);
      await window.starter.enqueue(window.store.get(path)!);
      await vi.waitFor(() => expect(window.store.get(path)?.state).toBe('failed'), PATIENCE);
      return window.store.get(path)!.record.error?.message;
    })
    .catch((error: unknown) => toHostError(error).message);
  expect(outcome).toMatch(/nothing/);
}, 300_000);

test('the self-test passes on this Node', async () => {
  expect(await selfTest(process.execPath, {}, engine.service, 240_000)).toEqual({ ok: true, reason: 'works' });
}, 300_000);
