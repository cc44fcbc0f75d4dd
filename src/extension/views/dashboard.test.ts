import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as vscode from 'vscode';
import type { RunRecord } from '../../protocol/index.ts';
import { Emitter } from '../events.ts';
import { COMMANDS } from '../ids.ts';
import { RunStore } from '../runs/store.ts';
import { makeRun, recordOf, writeRun } from '../testing/fake-run.ts';
import { Page } from '../testing/page.ts';
import * as editor from '../testing/vscode.ts';
import { Dashboard, type DashboardOptions } from './dashboard.ts';

const log = { info() {}, warn() {}, error() {}, debug() {} };

let home: string;
let store: RunStore;
let page: Page;
let dashboard: Dashboard;
let ending: DashboardOptions['actions']['ending'];
const tryChange = vi.fn(async () => {});

beforeEach(() => {
  editor.reset();
  home = mkdtempSync(join(tmpdir(), 'luthier dashboard ü-'));
  store = new RunStore({ log, client: 'test', mayConnect: () => false });
  page = new Page();
  ending = new Emitter();
  const options = {
    extension: editor.Uri.file('/extension'),
    store,
    starter: { changed: new Emitter<void>(), position: () => null },
    actions: { ending },
    log,
    tryChange,
  } as unknown as DashboardOptions;
  dashboard = new Dashboard(page as unknown as vscode.WebviewPanel, 'A run', options);
});

afterEach(() => {
  dashboard.dispose();
  store.dispose();
  rmSync(home, { recursive: true });
});

test('the tab has the name of its run, also of one that is renamed while it is shown, and says how many more there are', async () => {
  const [first, second] = ['first', 'second'].map((id) => makeRun(home, { id, state: 'done' })) as [string, string];
  await store.setHomes([home]);
  await dashboard.setRuns([first]);
  expect(page.title).toBe('first');
  writeRun(first, recordOf({ id: 'first', state: 'done', name: 'a better name' }));
  await store.refreshRun(first);
  expect(page.title).toBe('a better name');
  await dashboard.setRuns([first, second]);
  expect(page.title).toBe('a better name +1');
  writeRun(second, recordOf({ id: 'second', state: 'done', name: 'another' }));
  await store.refreshRun(second);
  expect(page.title).toBe('a better name +1');
});

test('every action is answered with what came of it, after what became of the run', async () => {
  const folder = makeRun(home, { id: 'first', state: 'paused' });
  await store.setHomes([home]);
  await dashboard.setRuns([folder]);
  const outcomes: unknown[] = ['done', 'cancelled', 'failed', undefined];
  editor.commands.executeCommand.mockImplementation(async () => outcomes.shift());
  const acted = () => page.posted.filter((message) => (message as { type: string }).type === 'acted');
  for (const action of ['resume', 'cancel', 'stop', 'pause'])
    page.received.fire({ type: 'action', action, run: 'first' });
  await vi.waitFor(() => expect(acted()).toHaveLength(4));
  expect(acted()).toEqual([
    { type: 'acted', action: 'resume', run: 'first', outcome: 'done' },
    { type: 'acted', action: 'cancel', run: 'first', outcome: 'cancelled' },
    { type: 'acted', action: 'stop', run: 'first', outcome: 'failed' },
    { type: 'acted', action: 'pause', run: 'first', outcome: 'done' },
  ]);
  const first = page.posted.findIndex((message) => (message as { type: string }).type === 'acted');
  expect(page.posted[first - 1]).toMatchObject({ type: 'record', record: { id: 'first' } });
  // A run that is no longer there.
  page.received.fire({ type: 'action', action: 'stop', run: 'gone' });
  await vi.waitFor(() =>
    expect(page.posted.at(-1)).toMatchObject({ type: 'failed', request: 'stop', error: { code: 'run-not-found' } }),
  );
});

test('the page is told how its run is to end, once the person has said so', async () => {
  const [folder, other] = ['first', 'other'].map((id) => makeRun(home, { id, state: 'running' })) as [string, string];
  await store.setHomes([home]);
  await dashboard.setRuns([folder]);
  ending.fire({ run: store.get(other)!, action: 'stop' });
  expect(page.posted.at(-1)).not.toMatchObject({ type: 'ending' });
  ending.fire({ run: store.get(folder)!, action: 'cancel' });
  expect(page.posted.at(-1)).toEqual({ type: 'ending', action: 'cancel', run: 'first' });
});

test('an evaluation that was just made is shown with the reports that hold it, also in a page that is not up yet', async () => {
  const folder = makeRun(home, { id: 'first', state: 'done' });
  await store.setHomes([home]);
  const run = store.get(folder)!;
  const kinds = () => page.posted.map((message) => (message as { type: string }).type);
  await dashboard.showEvaluation(run, 'march');
  expect(kinds()).toEqual([]);
  await dashboard.setRuns([folder]);
  expect(kinds()).toEqual(['snapshot', 'showEvaluation']);
  expect(page.posted.at(-1)).toEqual({ type: 'showEvaluation', run: 'first', name: 'march' });
  await dashboard.setRuns([folder]);
  expect(kinds()).toEqual(['snapshot', 'showEvaluation', 'snapshot']);
  await dashboard.showEvaluation(run, 'april');
  expect(page.posted.at(-1)).toEqual({ type: 'showEvaluation', run: 'first', name: 'april' });
});

test('what suggestions of its model are worth is sent with a run, and whenever it was measured; so is whether it can be', async () => {
  const recipe = { task: 'text-generation', model: 'starters/decoder', dataset: 'my-files' } as RunRecord['recipe'];
  const folder = makeRun(home, { id: 'files', state: 'done', model: 'model', recipe });
  mkdirSync(join(home, 'datasets/my-files'), { recursive: true });
  writeFileSync(join(home, 'datasets/my-files/dataset.json'), JSON.stringify({ source: { paths: true } }));
  await store.setHomes([home]);
  await dashboard.setRuns([folder]);
  expect(page.posted.at(-1)).toMatchObject({ runs: [{ completions: null, learned_files: true }] });
  await dashboard.measured(folder);
  expect(page.posted).toHaveLength(1);
  const replay = { lines: 2, files: 1, characters: 30, saved: 6, shown: 2, accepted: 1, interval: null };
  const completions = {
    ...{ format: 1, created_at: '2026-11-27T08:00:00.000Z', base: 'starters/decoder', split: 'validation' },
    ...{ files: 1, seed: 42, bits_per_byte: { base: 2, model: 1, interval: null } },
    replay: { base: { ...replay, saved: 0 }, model: replay },
  };
  writeFileSync(join(folder, 'completions.json'), JSON.stringify(completions));
  await dashboard.measured(join(home, 'runs/other'));
  expect(page.posted).toHaveLength(1);
  await dashboard.measured(folder);
  expect(page.posted.at(-1)).toMatchObject({ type: 'reports', run: 'files', completions });
  await dashboard.setRuns([folder]);
  expect(page.posted.at(-1)).toMatchObject({ type: 'snapshot', runs: [{ completions }] });
  page.received.fire({ type: 'action', action: 'measureCompletions', run: 'files' });
  await vi.waitFor(() =>
    expect(editor.commands.executeCommand).toHaveBeenCalledWith(
      COMMANDS.measureCompletions,
      expect.objectContaining({ folder }),
    ),
  );
});

test('a comparison that cannot be made is answered with its reason', async () => {
  const folders = ['first', 'second'].map((id) => makeRun(home, { id, state: 'done' }));
  await store.setHomes([home]);
  await dashboard.setRuns(folders);
  page.received.fire({ type: 'compareRows', first: 'first', second: 'second' });
  await vi.waitFor(() =>
    expect(page.posted.at(-1)).toEqual({
      type: 'comparison',
      first: 'first',
      second: 'second',
      comparison: null,
      problem: 'first has no model yet.',
    }),
  );
});

test('what a finding suggests is tried as the run’s folder says it, and nothing where it does not', async () => {
  const change = { kind: 'recipe', title: 'Train 3 More Epochs', set: { num_train_epochs: 6 } } as const;
  const finding = { code: 'still-falling', severity: 'warning', title: 't', text: 'x', figures: {}, change } as const;
  const folder = makeRun(home, { id: 'first', state: 'done', findings: [finding] });
  await store.setHomes([home]);
  await dashboard.setRuns([folder]);
  page.received.fire({ type: 'change', run: 'first', finding: 'overfitting' });
  page.received.fire({ type: 'change', run: 'first', finding: 'still-falling' });
  await vi.waitFor(() => expect(tryChange).toHaveBeenCalledTimes(1));
  expect(tryChange).toHaveBeenCalledWith(store.get(folder), change);
});
