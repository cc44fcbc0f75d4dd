import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { listFolder } from '../../files/folders.ts';
import type { DoneEvent, StartEvent } from '../../protocol/index.ts';
import { silentLog } from '../log.ts';
import { type FakeRun, makeRun, recordOf, startFakeRun, writeRun } from '../testing/fake-run.ts';
import { temporaryFolder } from '../testing/programs.ts';
import type { Run } from './run.ts';
import { RunStore } from './store.ts';

vi.mock('../../files/folders.ts', { spy: true });

let folder: ReturnType<typeof temporaryFolder>;
let home: string;
let store: RunStore;
const alive: FakeRun[] = [];

beforeEach(() => {
  folder = temporaryFolder();
  home = join(folder.path, '.luthier');
  store = new RunStore({ log: silentLog, client: 'test', mayConnect: () => true, isOwn: async () => true });
});
afterEach(async () => {
  store.dispose();
  for (const run of alive.splice(0)) await run.die();
  folder.remove();
});

const start = async (change: Parameters<typeof startFakeRun>[1], token?: string) => {
  const run = await startFakeRun(home, change, token);
  alive.push(run);
  return run;
};
const step = (n: number) => ({
  event: 'step' as const,
  time: 0,
  step: n,
  epoch: 0,
  loss: 1 / n,
  learning_rate: 0,
  grad_norm: 0,
  tokens_per_second: 0,
  step_ms: 0,
  rss_bytes: 0,
  eta_s: 60,
});
const states = () => Object.fromEntries(store.all().map((run) => [run.record.id, run.state]));

test('lists runs newest first, and folders that are none are left out', async () => {
  makeRun(home, { id: 'old', state: 'done' });
  makeRun(home, { id: 'new', state: 'failed' });
  mkdirSync(join(home, 'runs', 'just-made'));
  writeFileSync(join(home, 'runs', 'a-file'), '');
  await store.setHomes([home, join(folder.path, 'missing')]);
  expect(store.all().map((run) => run.record.id)).toEqual(['new', 'old']);
});

test('a half-written, a damaged and a newer run.json are shown, read-only, with the reason', async () => {
  const torn = makeRun(home, { id: 'torn', state: 'done' });
  writeFileSync(join(torn, 'run.json'), '{"id": "torn", "sta');
  const list = makeRun(home, { id: 'list' });
  writeFileSync(join(list, 'run.json'), '[]');
  const partial = makeRun(home, { id: 'partial' });
  writeFileSync(join(partial, 'run.json'), '{"id": "partial", "best": 3, "labels": [1, "x"]}');
  const newer = makeRun(home, { id: 'newer' });
  writeRun(newer, { ...recordOf({ id: 'newer', state: 'running' }), format: 99 });
  await store.setHomes([home]);
  const readOnly = Object.fromEntries(store.all().map((run) => [run.record.id, run.readOnly]));
  expect(readOnly.torn).toContain('not JSON');
  expect(readOnly.list).toContain('not an object');
  expect(readOnly.partial).toContain('incomplete');
  expect(readOnly.newer).toContain('newer version');
  expect(store.find('partial')?.record.labels).toEqual(['x']);
  // Once it is whole again, it is a run like others.
  writeRun(torn, recordOf({ id: 'torn', state: 'done' }));
  await store.refreshRun(torn);
  expect(store.find('torn')).toMatchObject({ readOnly: null, damaged: false, state: 'done' });
});

test('attaches to a run that works, and its events arrive with their lines', async () => {
  const fake = await start({ id: 'live', total_steps: 10 });
  const seen: number[] = [];
  store.events.on(({ line }) => void seen.push(line));
  await store.setHomes([home]);
  const run = store.find('live')!;
  await vi.waitFor(() => expect(store.connection(run)).not.toBeNull());
  await vi.waitFor(() => expect(run.progress).not.toBeNull());
  fake.emit(step(1));
  fake.emit(step(2));
  await vi.waitFor(() => expect(run.progress).toMatchObject({ step: 2, totalSteps: 10, loss: 0.5, etaSeconds: 60 }));
  expect(seen).toEqual([0, 1]);
});

test("a cross-validation's progress counts all its folds and the last model", async () => {
  const results = [19, 21].map((steps, i) => ({ fold: i + 1, metrics: {}, n: 20, steps }));
  const folds = { count: 5, final: true, results, deviations: {} };
  const fake = await start({ id: 'live', total_steps: 125, folds });
  await store.setHomes([home]);
  const run = store.find('live')!;
  await vi.waitFor(() => expect(run.progress).not.toBeNull());
  fake.emit({ ...step(7), fold: 3 });
  await vi.waitFor(() => expect(run.progress).toMatchObject({ step: 47, totalSteps: 125, stage: 'Fold 3 of 5' }));
  const begin = { event: 'start', time: 0, run: '', step: 0, num_train_rows: 1, num_validation_rows: 1 } as StartEvent;
  fake.emit({ ...begin, total_steps: 20, fold: 4, of_run: { before: 60, total: 125 } });
  await vi.waitFor(() => expect(run.progress).toMatchObject({ step: 60, totalSteps: 125, stage: 'Fold 4 of 5' }));
  fake.emit({ ...begin, total_steps: 26, of_run: { before: 100, total: 126 } });
  fake.emit(step(1));
  await vi.waitFor(() =>
    expect(run.progress).toMatchObject({ step: 101, totalSteps: 126, stage: 'Model of all rows', etaSeconds: 60 }),
  );
});

test('a run whose process died is interrupted, whichever way one comes to know', async () => {
  makeRun(home, { id: 'no-endpoint', state: 'running' });
  const stale = makeRun(home, { id: 'stale-endpoint', state: 'paused' });
  writeFileSync(
    join(stale, 'endpoint.json'),
    JSON.stringify({ pid: 1, address: join(folder.path, 'no.sock'), token: 'x' }),
  );
  const torn = makeRun(home, { id: 'torn-endpoint', state: 'stopping' });
  writeFileSync(join(torn, 'endpoint.json'), '{"pid": 1');
  await start({ id: 'someone-else' }, 'another token');
  const killed = await start({ id: 'killed' });
  const ended: Run[] = [];
  store.ended.on((run) => void ended.push(run));
  await store.setHomes([home]);
  await vi.waitFor(() =>
    expect(states()).toEqual({
      'no-endpoint': 'interrupted',
      'stale-endpoint': 'interrupted',
      'torn-endpoint': 'interrupted',
      'someone-else': 'interrupted',
      killed: 'running',
    }),
  );
  await vi.waitFor(() => expect(store.connection(store.find('killed')!)).not.toBeNull());
  await killed.die();
  await vi.waitFor(() => expect(states().killed).toBe('interrupted'));
  // Only the one that this window was attached to is news.
  expect(ended.map((run) => run.record.id)).toEqual(['killed']);
});

test('an interrupted run that is resumed elsewhere is attached to again', async () => {
  makeRun(home, { id: 'run', state: 'running' });
  await store.setHomes([home]);
  await vi.waitFor(() => expect(states()).toEqual({ run: 'interrupted' }));
  await start({ id: 'run', step: 5 });
  await store.refresh();
  await vi.waitFor(() => expect(states()).toEqual({ run: 'running' }));
});

test('a run that was just started has time to open its socket', async () => {
  const path = makeRun(home, { id: 'young', state: 'starting' });
  await store.setHomes([home]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(states()).toEqual({ young: 'starting' });
  rmSync(path, { recursive: true });
  await start({ id: 'young', state: 'starting' });
  await vi.waitFor(() => expect(store.connection(store.find('young')!)).not.toBeNull());
});

test('one that never opens its socket is interrupted once the time is over', async () => {
  let now = Date.now();
  const late = new RunStore({
    log: silentLog,
    client: 'test',
    mayConnect: () => true,
    isOwn: async () => true,
    now: () => now,
  });
  makeRun(home, { id: 'stillborn', state: 'starting' });
  await late.setHomes([home]);
  now += 60_000;
  await vi.waitFor(() => expect(late.find('stillborn')?.state).toBe('interrupted'), 3000);
  late.dispose();
});

test('the end of an attached run is told once, with its record', async () => {
  const fake = await start({ id: 'run' });
  const ended: string[] = [];
  store.ended.on((run) => void ended.push(`${run.record.id} ${run.state} ${run.record.model}`));
  await store.setHomes([home]);
  await vi.waitFor(() => expect(store.connection(store.find('run')!)).not.toBeNull());
  fake.record = { ...fake.record, model: 'model' };
  fake.setState('done');
  await fake.die();
  await vi.waitFor(() => expect(ended).toEqual(['run done model']));
  await store.refresh();
  expect(ended.length).toBe(1);
});

test('what a run says after its record was written still arrives', async () => {
  const fake = await start({ id: 'live' });
  const seen: string[] = [];
  store.events.on(({ event }) => void seen.push(event.event));
  await store.setHomes([home]);
  const run = store.find('live')!;
  await vi.waitFor(() => expect(run.progress).not.toBeNull());
  writeRun(fake.folder, recordOf({ id: 'live', state: 'done' }));
  await store.refreshRun(fake.folder);
  expect(run.state).toBe('done');
  fake.emit({ event: 'done' } as DoneEvent);
  await vi.waitFor(() => expect(seen).toEqual(['done']));
  // Its process ends: nobody is attached any more, and it is not taken for interrupted.
  await fake.die();
  await vi.waitFor(() => expect(store.connection(run)).toBeNull());
  expect(run.state).toBe('done');
});

test('a run that ended between its record and our call is told as ended, with its error', async () => {
  const fake = await start({ id: 'quick' });
  // What the process says is newer than what the file said when it was read.
  const error = { code: 'data-invalid', message: 'No column.' };
  const ended: (string | undefined)[] = [];
  store.ended.on((run) => void ended.push(run.record.error?.message));
  fake.record = { ...fake.record, state: 'failed', error };
  const reading = store.setHomes([home]);
  await reading;
  writeRun(fake.folder, fake.record);
  await vi.waitFor(() => expect(store.find('quick')).toMatchObject({ state: 'failed', record: { error } }));
  expect(ended).toEqual(['No column.']);
});

test('a folder that is deleted while it is shown goes away', async () => {
  const path = makeRun(home, { id: 'gone', state: 'done' });
  await store.setHomes([home]);
  const changed: string[] = [];
  store.changed.on((runs) => changed.push(...runs.map((run) => run.record.id)));
  rmSync(path, { recursive: true });
  await store.refresh();
  expect(store.all()).toEqual([]);
  expect(changed).toEqual(['gone']);
});

test('in an untrusted workspace nothing is connected to', async () => {
  let trusted = false;
  const careful = new RunStore({ log: silentLog, client: 'test', mayConnect: () => trusted });
  await start({ id: 'run' });
  await careful.setHomes([home]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(careful.connection(careful.find('run')!)).toBeNull();
  expect(careful.find('run')?.state).toBe('running');
  trusted = true;
  await careful.refresh();
  await vi.waitFor(() => expect(careful.connection(careful.find('run')!)).not.toBeNull());
  careful.dispose();
});

test('two windows on one folder see the same run', async () => {
  const fake = await start({ id: 'run' });
  const other = new RunStore({ log: silentLog, client: 'other', mayConnect: () => true, isOwn: async () => true });
  await Promise.all([store.setHomes([home]), other.setHomes([home])]);
  await vi.waitFor(() => {
    expect(store.connection(store.find('run')!)).not.toBeNull();
    expect(other.connection(other.find('run')!)).not.toBeNull();
  });
  fake.setState('paused');
  await vi.waitFor(() => expect([store.find('run')?.state, other.find('run')?.state]).toEqual(['paused', 'paused']));
  other.dispose();
});

test('500 runs are listed, and a second look reads only what changed', async () => {
  for (let i = 0; i < 500; i++) makeRun(home, { id: `run-${i}`, state: 'done' });
  const later = Date.now() + 60_000;
  const many = new RunStore({
    log: silentLog,
    client: 'test',
    mayConnect: () => true,
    isOwn: async () => true,
    now: () => later,
  });
  await many.setHomes([home]);
  expect(many.all().length).toBe(500);
  const changed = vi.fn();
  many.changed.on(changed);
  await many.refresh();
  expect(changed).not.toHaveBeenCalled();
  many.dispose();
});

test('a run that is taken in while the folders are read stays the same run', async () => {
  makeRun(home, { id: 'old', state: 'done' });
  await store.setHomes([home]);
  const told: string[] = [];
  store.changed.on((runs) => told.push(...runs.map((run) => run.record.id)));
  let early: Run | undefined;
  vi.mocked(listFolder).mockImplementationOnce(async (path) => {
    // The list is from before the run was made; a watcher tells of it while the list is gone through.
    const list = await vi.mocked(listFolder)(path);
    early = await store.refreshRun(makeRun(home, { id: 'new', state: 'done' }));
    return list;
  });
  await store.refresh();
  expect(store.find('new')).toBe(early);
  expect(early).toBeDefined();
  expect(told).toEqual(['new']);
});
