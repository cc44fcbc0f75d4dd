import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Emitter } from '../events.ts';
import { silentLog } from '../log.ts';
import { recordOf } from '../testing/fake-run.ts';
import { RunsDisk } from './disk.ts';
import type { Run } from './run.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function makeDisk(limit = 1) {
  const changed = new Emitter<readonly Run[]>();
  const runs: Run[] = [];
  const sizes: Record<string, number> = {};
  const measure = vi.fn(async (folder: string) => sizes[folder] ?? 0);
  const measured: number[] = [];
  const over: number[] = [];
  const disk = new RunsDisk({
    store: { changed, all: () => runs },
    measure,
    limit: () => limit,
    onMeasured: (bytes) => void measured.push(bytes),
    onLimit: (bytes) => void over.push(bytes),
    log: silentLog,
  });
  const put = async (id: string, state: Run['state'], bytes: number) => {
    sizes[id] = bytes;
    const known = runs.find(({ folder }) => folder === id);
    if (known) known.state = state;
    else runs.push({ folder: id, state, record: recordOf({ id }) } as Run);
    changed.fire(runs);
    await vi.advanceTimersByTimeAsync(2_000);
  };
  return { disk, runs, changed, sizes, measure, measured, over, put };
}

test('a run is measured when it comes and when it ends, and not with each step', async () => {
  const { disk, changed, runs, measure, measured, put } = makeDisk();
  await put('a', 'running', 100);
  for (let step = 0; step < 50; step++) changed.fire(runs);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(measure).toHaveBeenCalledTimes(1);
  await put('b', 'done', 50);
  await put('a', 'done', 300);
  expect(measured).toEqual([100, 150, 350]);
  runs.pop();
  changed.fire(runs);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(measured.at(-1)).toBe(300);
  disk.dispose();
});

test('a limit is told once each time that it is passed, and never at 0', async () => {
  const { disk, over, put, sizes } = makeDisk(1);
  await put('a', 'done', 2e9);
  await put('b', 'done', 1e9);
  expect(over).toEqual([2e9]);
  sizes.a = 0;
  sizes.b = 0;
  await disk.measure(true);
  await put('c', 'done', 3e9);
  expect(over).toEqual([2e9, 3e9]);
  const never = makeDisk(0);
  await never.put('a', 'done', 9e12);
  expect(never.over).toEqual([]);
});
