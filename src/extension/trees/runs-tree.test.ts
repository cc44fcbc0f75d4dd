import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Emitter } from '../events.ts';
import type { Run } from '../runs/run.ts';
import type { RunStarter } from '../runs/starter.ts';
import type { AttachedEvent, RunStore } from '../runs/store.ts';
import { recordOf } from '../testing/fake-run.ts';
import { type RunNode, RunsTree, selectedRuns } from './runs-tree.ts';

const runOf = (id: string, dataset = '/data/tickets.csv'): Run => {
  const record = recordOf({ id, state: 'running', total_steps: 100 });
  return {
    folder: `/runs/${id}`,
    record: { ...record, recipe: { ...record.recipe, dataset } },
    state: 'running',
  } as Run;
};

let runs: Run[];
let drawings: { at: number; node: RunNode | undefined }[];
let tree: RunsTree;
const changed = new Emitter<readonly Run[]>();
const events = new Emitter<AttachedEvent>();
const moved = new Emitter<void>();

beforeEach(() => {
  vi.useFakeTimers();
  runs = [runOf('a'), runOf('b', '/data/reviews.csv')];
  drawings = [];
  const store = {
    changed,
    events,
    brokenChanged: new Emitter<void>(),
    broken: [],
    all: () => runs,
    get: (folder: string) => runs.find((r) => r.folder === folder),
  };
  const starter = { changed: moved, broken: [], position: () => null };
  tree = new RunsTree(store as unknown as RunStore, starter as unknown as RunStarter);
  // As the editor does when it is told that everything changed.
  tree.onDidChangeTreeData((node) => {
    drawings.push({ at: performance.now(), node });
    if (!node) draw();
    else tree.getTreeItem(node);
  });
  draw();
});
afterEach(() => {
  tree.dispose();
  vi.useRealTimers();
});

const draw = () => {
  const nodes = tree.getChildren().flatMap((group) => tree.getChildren(group));
  for (const node of nodes) tree.getTreeItem(node);
  return nodes;
};
/** So that its line says something else. */
const stepOn = (run: Run) => {
  run.record = { ...run.record, step: run.record.step + 1 };
  return run;
};

test('runs stand under their data sets', () => {
  expect(tree.getChildren()).toEqual([{ group: 'tickets.csv' }, { group: 'reviews.csv' }]);
  expect(draw()).toEqual(runs);
  expect(tree.getParent(runs[1]!)).toBe(tree.getChildren()[1]);
});

test('a change is one line drawn soon, a run that comes, goes or is another one under the same name the whole tree', () => {
  changed.fire([stepOn(runs[0]!)]);
  vi.advanceTimersByTime(100);
  expect(drawings.map(({ node }) => node)).toEqual([runs[0]]);
  runs = [runOf('c'), ...runs];
  changed.fire([runs[0]!]);
  vi.advanceTimersByTime(1000);
  expect(drawings.at(-1)?.node).toBeUndefined();
  // The editor holds the earlier object, and is deaf to what is told of any other.
  runs = [runOf('c'), ...runs.slice(1)];
  changed.fire([runs[0]!]);
  vi.advanceTimersByTime(1000);
  expect(drawings.at(-1)?.node).toBeUndefined();
  const count = drawings.length;
  moved.fire();
  vi.advanceTimersByTime(1000);
  expect(drawings.slice(count).map(({ node }) => node)).toEqual([undefined]);
});

test('between drawings there is the pause that the editor waits for, however often a fast run changes', () => {
  for (let ms = 0; ms < 3000; ms += 50) {
    changed.fire([stepOn(runs[0]!)]);
    events.fire({ run: runs[0]!, line: ms, event: { event: 'step' } as AttachedEvent['event'] });
    vi.advanceTimersByTime(50);
  }
  expect(drawings.length).toBeGreaterThanOrEqual(8);
  const pauses = drawings.slice(1).map(({ at }, i) => at - drawings[i]!.at);
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(250);
});

test('steps alone draw a line once a second', () => {
  for (let ms = 0; ms < 5000; ms += 100) {
    events.fire({ run: stepOn(runs[0]!), line: ms, event: { event: 'step' } as AttachedEvent['event'] });
    vi.advanceTimersByTime(100);
  }
  expect(drawings.length).toBeGreaterThanOrEqual(4);
  expect(drawings.length).toBeLessThanOrEqual(5);
});

test('a line that says what it said is not drawn anew', () => {
  for (let ms = 0; ms < 5000; ms += 100) {
    events.fire({ run: runs[0]!, line: ms, event: { event: 'step' } as AttachedEvent['event'] });
    changed.fire(runs);
    vi.advanceTimersByTime(100);
  }
  expect(drawings).toEqual([]);
  runs[0]!.record = { ...runs[0]!.record, note: 'worth a look' };
  changed.fire(runs);
  vi.advanceTimersByTime(1000);
  expect(drawings.map(({ node }) => node)).toEqual([runs[0]]);
});

test('while the tree is drawn anew its selection is waited for; none is none once it is there', async () => {
  const view = { visible: true, selection: [] as RunNode[] };
  let answer: Run[] | undefined;
  const asked = selectedRuns(view, tree).then((runs) => (answer = runs));
  await vi.advanceTimersByTimeAsync(80);
  expect(answer).toBeUndefined();
  view.selection = [runs[1]!];
  await vi.advanceTimersByTimeAsync(20);
  await asked;
  expect(answer).toEqual([runs[1]]);
  view.selection = [];
  await vi.advanceTimersByTimeAsync(1000);
  expect(await selectedRuns(view, tree)).toEqual([]);
});

test('a cross-validation has its folds and its model beneath, whose click opens its dashboard', async () => {
  const [run] = runs;
  const folds = { count: 3, final: true, results: [], deviations: {} };
  run!.record = { ...run!.record, folds };
  expect(tree.getTreeItem(run!).collapsibleState).toBe(0);
  const results = [1, 2].map((fold) => ({ fold, metrics: { accuracy: 0.8 + fold / 100 }, n: 12 + fold }));
  run!.record = { ...run!.record, folds: { ...folds, results } };
  expect(tree.getTreeItem(run!).collapsibleState).toBe(1);
  const lines = () =>
    tree.getChildren(run!).map((node) => {
      const { label, description, command } = tree.getTreeItem(node);
      expect(command?.command).toBe('luthier.openDashboard');
      expect(tree.getParent(node)).toBe(run);
      return `${label}: ${description}`;
    });
  const two = ['Fold 1 of 3: 81.0 % accuracy · 13 rows held out', 'Fold 2 of 3: 82.0 % accuracy · 14 rows held out'];
  expect(lines()).toEqual(two);
  run!.record = { ...run!.record, model: 'model' };
  expect(lines()).toEqual([...two, 'Model of all rows: measured by the folds']);
  const selection = [...tree.getChildren(run!), run!];
  expect(await selectedRuns({ visible: true, selection }, tree)).toEqual([run]);
  expect(tree.getChildren(runs[1]!)).toEqual([]);
});

test('the runs of a comparison or search stand under one item, as do the seeds of a run', async () => {
  const comparison = { id: 'tickets-20261127-abcd', compared: 'search' as const };
  runs = [runOf('c'), runOf('d'), runOf('e'), ...runs];
  for (const run of runs.slice(1, 3)) run.record = { ...run.record, comparison };
  const [group] = tree.getChildren();
  const [first, set, other] = tree.getChildren(group);
  expect([first, other]).toEqual([runs[0], runs[3]]);
  expect(tree.getChildren(group)).toHaveLength(3);
  expect(tree.getChildren(set)).toEqual([runs[1], runs[2]]);
  expect([tree.getParent(runs[1]!), tree.getParent(set!)]).toEqual([set, group]);
  const { label, description, collapsibleState } = tree.getTreeItem(set!);
  expect([label, description, collapsibleState]).toEqual(['Search', '2 runs · #tickets-20261127-abcd', 1]);
  expect(await selectedRuns({ visible: true, selection: [set!, runs[1]!] }, tree)).toEqual([runs[1]]);

  const results = [42, 43].map((seed) => ({ seed, metrics: { accuracy: seed / 100 }, n: 12 }));
  const seeds = { values: [42, 43, 44], results, deviations: {} };
  runs[0]!.record = { ...runs[0]!.record, seeds, model: 'model' };
  const lines = tree.getChildren(runs[0]!).map((node) => tree.getTreeItem(node));
  expect(lines.map((line) => `${line.label}: ${line.description}`)).toEqual([
    'Seed 42: 42.0 % accuracy · 12 rows held out · the run’s model',
    'Seed 43: 43.0 % accuracy · 12 rows held out',
  ]);
});
