import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RunRecord } from '../../protocol/index.ts';
import { changeQueue, readQueue } from '../../runs/queue.ts';
import type { EndedRun } from '../engine/launch.ts';
import { HostError } from '../errors.ts';
import { silentLog } from '../log.ts';
import { type FakeRun, makeRun, recordOf, serveRun, startFakeRun } from '../testing/fake-run.ts';
import { temporaryFolder } from '../testing/programs.ts';
import { RunActions } from './actions.ts';
import { describeRun, RunStarter } from './starter.ts';
import { RunStore } from './store.ts';

let folder: ReturnType<typeof temporaryFolder>;
let home: string;
const alive: FakeRun[] = [];
const disposables: { dispose(): void }[] = [];

beforeEach(() => {
  folder = temporaryFolder();
  home = join(folder.path, '.luthier');
});
afterEach(async () => {
  for (const disposable of disposables.splice(0)) disposable.dispose();
  for (const run of alive.splice(0)) await run.die();
  folder.remove();
});

type Launch = (path: string, resume: boolean) => Promise<Pick<EndedRun, 'code'> & Partial<EndedRun>> | undefined;

/** What a window has: a store and a starter whose runs are stand-ins that come up as `running`. */
function makeWindow(launch?: Launch, refuse?: (id: string) => HostError | null) {
  const launched: { id: string; resume: boolean }[] = [];
  const failures: HostError[] = [];
  const sinces: number[] = [];
  const store = new RunStore({ log: silentLog, client: 'test', mayConnect: () => true, isOwn: async () => true });
  const starter = new RunStarter({
    store,
    log: silentLog,
    mayStart: () => true,
    onFailure: (_run, error) => void failures.push(error),
    launch: async (path, { resume, since }) => {
      const record = JSON.parse(readFileSync(join(path, 'run.json'), 'utf8')) as RunRecord;
      launched.push({ id: record.id, resume });
      sinces.push(since);
      const refusal = refuse?.(record.id);
      if (refusal) throw refusal;
      const early = launch?.(path, resume);
      if (!early) {
        const run = await serveRun(path, { ...record, state: 'running', started_at: new Date().toISOString() });
        alive.push(run);
        run.setState('running');
      }
      return {
        pid: 1,
        early: early ? early.then((ended) => ({ signal: null, told: null, ...ended })) : new Promise(() => {}),
      };
    },
  });
  disposables.push(starter, store);
  return { store, starter, actions: new RunActions(store, starter), launched, failures, sinces };
}

const states = (store: RunStore) => Object.fromEntries(store.all().map((run) => [run.record.id, run.state]));

test('one run trains at a time; the next starts when it ends, in the order that a person gave', async () => {
  const { store, starter, launched } = makeWindow();
  for (const id of ['a', 'b', 'c']) makeRun(home, { id });
  await store.setHomes([home]);
  expect(await starter.enqueue(store.find('a')!)).toBeNull();
  await vi.waitFor(() => expect(states(store).a).toBe('running'));
  expect((await starter.enqueue(store.find('b')!))?.record.id).toBe('a');
  await starter.enqueue(store.find('c')!);
  expect([starter.position(store.find('b')!), starter.position(store.find('c')!)]).toEqual([1, 2]);
  await starter.move(store.find('c')!, -1);
  expect([starter.position(store.find('b')!), starter.position(store.find('c')!)]).toEqual([2, 1]);
  expect(await readQueue(home)).toEqual(['c', 'b']);
  expect(launched).toEqual([{ id: 'a', resume: false }]);
  alive[0]!.setState('done');
  await vi.waitFor(() => expect(states(store)).toEqual({ a: 'done', b: 'queued', c: 'running' }));
  alive[1]!.setState('cancelled');
  await vi.waitFor(() => expect(states(store)).toEqual({ a: 'done', b: 'running', c: 'cancelled' }));
  expect(await readQueue(home)).toEqual([]);
});

test('a run counts from the command that asked for it, one that had to wait from its start', async () => {
  const { store, starter, sinces } = makeWindow();
  for (const id of ['a', 'b']) makeRun(home, { id });
  await store.setHomes([home]);
  const asked = Date.now() - 5_000;
  await starter.enqueue(store.find('a')!, asked);
  await vi.waitFor(() => expect(states(store).a).toBe('running'));
  await starter.enqueue(store.find('b')!, asked);
  const waitedUntil = Date.now();
  alive[0]!.setState('done');
  await vi.waitFor(() => expect(states(store).b).toBe('running'));
  expect(sinces[0]).toBe(asked);
  expect(sinces[1]).toBeGreaterThanOrEqual(waitedUntil);
});

test('a waiting run is put first, or started beside the one at work', async () => {
  const { store, starter, launched } = makeWindow();
  for (const id of ['a', 'b', 'c', 'd']) makeRun(home, { id });
  await store.setHomes([home]);
  for (const id of ['a', 'b', 'c']) await starter.enqueue(store.find(id)!);
  await vi.waitFor(() => expect(states(store).a).toBe('running'));
  await starter.putFirst(store.find('c')!);
  expect(await readQueue(home)).toEqual(['c', 'b']);
  // One that lost its place in line, too.
  await starter.startNow(store.find('d')!);
  await vi.waitFor(() => expect(states(store)).toEqual({ a: 'running', b: 'queued', c: 'queued', d: 'running' }));
  expect(launched.map(({ id }) => id)).toEqual(['a', 'd']);
  expect(await readQueue(home)).toEqual(['c', 'b']);
});

test('a run that a terminal waits with is shown in line and left to the terminal, unless that is gone', async () => {
  const { store, starter, launched } = makeWindow();
  for (const id of ['a', 'b']) makeRun(home, { id });
  await changeQueue(home, () => ['a'], { id: 'a', pid: process.pid });
  await store.setHomes([home]);
  await starter.reload([home]);
  expect(starter.position(store.find('a')!)).toBe(1);
  await starter.enqueue(store.find('b')!);
  expect(starter.position(store.find('b')!)).toBe(2);
  expect(launched).toEqual([]);
  const gone = spawnSync(process.execPath, ['--version']).pid;
  await changeQueue(home, (order) => order, { id: 'a', pid: gone });
  await starter.reload([home]);
  await vi.waitFor(() => expect(launched).toEqual([{ id: 'a', resume: false }]));
});

test('a run that a terminal is about to start is left to it', async () => {
  const { store, starter, launched } = makeWindow();
  makeRun(home, { id: 'from-terminal' });
  await store.setHomes([home]);
  await starter.reload([home]);
  await starter.pump();
  expect(launched).toEqual([]);
});

test('two windows start a run once between them', async () => {
  const [one, two] = [makeWindow(), makeWindow()];
  for (const id of ['a', 'b']) makeRun(home, { id });
  await Promise.all([one.store.setHomes([home]), two.store.setHomes([home])]);
  await Promise.all([one.starter.enqueue(one.store.find('a')!), two.starter.enqueue(two.store.find('b')!)]);
  await Promise.all([one.store.refresh(), two.store.refresh()]);
  await Promise.all([one.starter.reload([home]), two.starter.reload([home])]);
  const launched = [...one.launched, ...two.launched].map(({ id }) => id);
  expect(launched).toHaveLength(1);
  alive[0]!.setState('done');
  await vi.waitFor(() => expect([...one.launched, ...two.launched].map(({ id }) => id).sort()).toEqual(['a', 'b']));
});

test('an interrupted run is resumed from its checkpoint', async () => {
  const { store, actions, launched } = makeWindow();
  makeRun(home, { id: 'cut', state: 'running', started_at: '2026-01-01T00:00:00Z', step: 40 });
  await store.setHomes([home]);
  await vi.waitFor(() => expect(states(store)).toEqual({ cut: 'interrupted' }));
  await actions.resume(store.find('cut')!);
  expect(launched).toEqual([{ id: 'cut', resume: true }]);
  await vi.waitFor(() => expect(states(store)).toEqual({ cut: 'running' }));
});

test('a finished run is not started again, nor one that works, nor one of a newer version', async () => {
  const { store, starter } = makeWindow();
  makeRun(home, { id: 'done', state: 'done' });
  makeRun(home, { id: 'newer', state: 'interrupted', format: 99 });
  await store.setHomes([home]);
  await expect(starter.enqueue(store.find('done')!)).rejects.toMatchObject({ code: 'run-busy' });
  await expect(starter.enqueue(store.find('newer')!)).rejects.toMatchObject({ code: 'run-readonly' });
});

test('a process that ends before it begins leaves a failed run that says why', async () => {
  const { store, starter, failures } = makeWindow(async (path) => {
    appendFileSync(join(path, 'run.log'), 'node:internal\nError: Cannot find module onnxruntime-node\n    at x\n');
    return { code: 1 };
  });
  makeRun(home, { id: 'stillborn' });
  await store.setHomes([home]);
  await starter.enqueue(store.find('stillborn')!);
  await vi.waitFor(() => expect(states(store)).toEqual({ stillborn: 'failed' }));
  const { error } = store.find('stillborn')!.record;
  expect(error?.message).toContain('exit code 1: Error: Cannot find module onnxruntime-node');
  expect(error?.message).not.toContain('\n');
  await vi.waitFor(() => expect(failures).toHaveLength(1));
});

test('a process that could not begin leaves its own reason', async () => {
  const error = { message: 'Another process is already working on it.', hint: 'Wait for its end.' };
  const told = { ready: false, error: { code: 'run-busy', ...error } } as const;
  const { store, starter, failures } = makeWindow(async () => ({ code: 1, told }));
  makeRun(home, { id: 'held' });
  await store.setHomes([home]);
  await starter.enqueue(store.find('held')!);
  await vi.waitFor(() => expect(states(store)).toEqual({ held: 'failed' }));
  expect(store.find('held')!.record.error).toEqual(told.error);
  await vi.waitFor(() => expect(failures.map(({ message }) => message)).toEqual([error.message]));
});

test('a process that ends late, when its run is starting again, says nothing of that', async () => {
  const ends: ((ended: Pick<EndedRun, 'code' | 'told'>) => void)[] = [];
  const { store, starter, actions, failures } = makeWindow(
    () => new Promise<Pick<EndedRun, 'code' | 'told'>>((resolve) => void ends.push(resolve)),
  );
  makeRun(home, { id: 'again' });
  await store.setHomes([home]);
  const run = store.find('again')!;
  await starter.enqueue(run);
  const path = join(run.folder, 'run.json');
  const record = () => JSON.parse(readFileSync(path, 'utf8')) as RunRecord;
  // It refuses, as one whose data have changed: its record says so before the process is gone.
  writeFileSync(path, JSON.stringify({ ...record(), state: 'failed', started_at: new Date().toISOString() }));
  await store.refreshRun(run.folder);
  await actions.resume(run);
  expect([ends.length, record().state]).toEqual([2, 'starting']);
  ends[0]!({ code: 1, told: { ready: true } });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect([record().state, failures]).toEqual(['starting', []]);
  // The one that is starting is killed with the lock in its hand.
  writeFileSync(join(run.folder, 'run.lock'), JSON.stringify({ pid: 1, nonce: 'x' }));
  ends[1]!({ code: 137, told: { ready: true } });
  await vi.waitFor(() => expect(record().state).toBe('failed'));
  await vi.waitFor(() => expect(failures).toHaveLength(1));
});

test('a run that cannot be launched fails with the reason, and the next one gets its turn', async () => {
  const refuse = (id: string) => (id === 'a' ? new HostError('node-not-found', 'There is no Node.') : null);
  const { store, starter, launched, failures } = makeWindow(undefined, refuse);
  for (const id of ['a', 'b']) makeRun(home, { id });
  await store.setHomes([home]);
  await starter.enqueue(store.find('a')!);
  await vi.waitFor(() => expect(states(store).a).toBe('failed'));
  expect(store.find('a')!.record.error).toMatchObject({ code: 'node-not-found', message: 'There is no Node.' });
  expect(failures).toHaveLength(1);
  await starter.enqueue(store.find('b')!);
  expect(launched.map(({ id }) => id)).toEqual(['a', 'b']);
});

test('withdrawing takes a run out of the line', async () => {
  const { store, starter, actions } = makeWindow();
  alive.push(await startFakeRun(home, { id: 'busy' }));
  makeRun(home, { id: 'waits' });
  await store.setHomes([home]);
  await starter.enqueue(store.find('waits')!);
  expect(states(store).waits).toBe('queued');
  await actions.cancel(store.find('waits')!);
  expect(states(store).waits).toBe('cancelled');
  expect(await readQueue(home)).toEqual([]);
});

test('pause, resume and stop reach the process; a second window pressing Stop is no failure', async () => {
  const [one, two] = [makeWindow(), makeWindow()];
  const fake = await startFakeRun(home, { id: 'run' });
  alive.push(fake);
  await Promise.all([one.store.setHomes([home]), two.store.setHomes([home])]);
  const [mine, theirs] = [one.store.find('run')!, two.store.find('run')!];
  await vi.waitFor(() => {
    expect(one.store.connection(mine)).not.toBeNull();
    expect(two.store.connection(theirs)).not.toBeNull();
  });
  await one.actions.pause(mine);
  expect(mine.state).toBe('paused');
  await two.actions.resume(theirs);
  await vi.waitFor(() => expect(theirs.state).toBe('running'));
  await one.actions.stop(mine);
  await fake.die();
  alive.length = 0;
  await expect(two.actions.stop(theirs)).resolves.toBeUndefined();
  expect(theirs.state).toBe('stopped');
  expect(fake.requests.slice(0, 3)).toEqual(['pause', 'resume', 'stop']);
});

test('asking a run without a process says so', async () => {
  const { store, actions } = makeWindow();
  makeRun(home, { id: 'cut', state: 'running' });
  await store.setHomes([home]);
  await vi.waitFor(() => expect(states(store)).toEqual({ cut: 'interrupted' }));
  await expect(actions.pause(store.find('cut')!)).rejects.toMatchObject({ code: 'run-unreachable' });
});

test('name and note go through the process where one works, else into the file', async () => {
  const { store } = makeWindow();
  const fake = await startFakeRun(home, { id: 'live' });
  alive.push(fake);
  const rest = makeRun(home, { id: 'rest', state: 'done' });
  await store.setHomes([home]);
  await vi.waitFor(() => expect(store.connection(store.find('live')!)).not.toBeNull());
  await describeRun(store, store.find('live')!, { name: 'Live one' });
  expect(fake.record.name).toBe('Live one');
  await describeRun(store, store.find('rest')!, { note: 'tried a larger batch' });
  expect(JSON.parse(readFileSync(join(rest, 'run.json'), 'utf8'))).toMatchObject({
    id: 'rest',
    note: 'tried a larger batch',
  });
  expect(store.find('rest')?.record.note).toBe('tried a larger batch');
  writeFileSync(join(rest, 'run.json'), JSON.stringify({ ...recordOf({ id: 'rest' }), format: 99 }));
  await store.refresh();
  await expect(describeRun(store, store.find('rest')!, { name: 'x' })).rejects.toMatchObject({ code: 'run-readonly' });
});
