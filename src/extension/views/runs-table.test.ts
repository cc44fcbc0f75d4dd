import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as vscode from 'vscode';
import { parseRunsMessage, type RunsMessage } from '../../protocol/index.ts';
import { tagRun } from '../commands/run-tags.ts';
import type { Luthier } from '../context.ts';
import { COMMANDS } from '../ids.ts';
import { RunStore } from '../runs/store.ts';
import { makeRun, recordOf, writeRun } from '../testing/fake-run.ts';
import { Page } from '../testing/page.ts';
import { labels, question } from '../testing/pickers.ts';
import * as editor from '../testing/vscode.ts';
import { RunTable } from './runs-table.ts';

const log = { info() {}, warn() {}, error() {}, debug() {} };

let home: string;
let store: RunStore;
let page: Page;
let table: RunTable;

beforeEach(() => {
  editor.reset();
  home = mkdtempSync(join(tmpdir(), 'luthier runs table ü-'));
  store = new RunStore({ log, client: 'test', mayConnect: () => false });
  page = new Page();
  const options = { extension: editor.Uri.file('/extension'), store, load: async () => undefined, log };
  table = new RunTable(page as unknown as vscode.WebviewPanel, options as never, new Map());
});
afterEach(() => {
  table.dispose();
  store.dispose();
  rmSync(home, { recursive: true });
});

const sent = <T extends RunsMessage['type']>(type: T): Extract<RunsMessage, { type: T }>[] =>
  (page.posted as RunsMessage[]).filter(
    (message): message is Extract<RunsMessage, { type: T }> => message.type === type,
  );
const measured = { step: 3, metrics: { accuracy: 0.75, f1_macro: 0.7 } };

test('the page gets every run at once, then what its evaluation says, and those that change or go, as the wire has it', async () => {
  const done = makeRun(home, { id: 'done', state: 'done', started_at: '2026-01-01T00:00:00Z', best: measured });
  const broken = makeRun(home, { id: 'broken' });
  writeFileSync(join(broken, 'run.json'), '{');
  const report = {
    ...{ task: 'text-classification', split: 'validation', n: 12, labels: [], per_class: [], confusion: [], worst: [] },
    metrics: { accuracy: 0.75, f1_macro: 0.7, loss: 1 },
    intervals: { accuracy: { low: 0.5, high: 0.9 } },
    majority: { label: 'a', accuracy: 0.5, f1_macro: 0.3 },
  };
  writeFileSync(join(done, 'evaluation.json'), JSON.stringify({ validation: report }));
  await store.setHomes([home]);
  page.received.fire({ type: 'ready' });
  await vi.waitFor(() => expect(sent('snapshot')).toHaveLength(1));
  const { rows } = sent('snapshot')[0]!;
  expect(rows).toHaveLength(2);
  expect(rows.find(({ run }) => run === broken)?.problem).toMatch(/cannot be read: its run.json is not JSON/);
  await vi.waitFor(() =>
    expect(sent('changed').at(-1)?.rows[0]?.measured).toEqual({ n: 12, intervals: report.intervals }),
  );
  expect(page.posted.map((message) => parseRunsMessage(message))).toEqual(
    page.posted.map((message) => ({ ok: true, message })),
  );
  writeRun(done, recordOf({ id: 'done', state: 'done', name: 'renamed', tags: ['kept'] }));
  await store.refreshRun(done);
  await vi.waitFor(() => expect(sent('changed').at(-1)?.rows[0]).toMatchObject({ name: 'renamed', tags: ['kept'] }));
  rmSync(done, { recursive: true });
  await store.refresh();
  await vi.waitFor(() => expect(sent('changed').at(-1)).toMatchObject({ rows: [], removed: [done] }));
});

test('a run is opened, several are compared, by the commands that trees and palette have; one that is gone is told', async () => {
  const [first, second] = ['first', 'second'].map((id) => makeRun(home, { id, state: 'done' })) as [string, string];
  await store.setHomes([home]);
  page.received.fire({ type: 'open', run: first });
  page.received.fire({ type: 'compare', runs: [second, first] });
  await vi.waitFor(() => expect(editor.commands.executeCommand).toHaveBeenCalledTimes(2));
  const runs = [store.get(second), store.get(first)];
  expect(editor.commands.executeCommand.mock.calls).toEqual([
    [COMMANDS.openDashboard, store.get(first)],
    [COMMANDS.compareRuns, runs[0], runs],
  ]);
  page.received.fire({ type: 'open', run: '/gone' });
  await vi.waitFor(() => expect(sent('failed')).toMatchObject([{ request: 'open', error: { code: 'run-not-found' } }]));
});

test('tags of several runs: what all have can be taken off, a typed one is added, and what some have stays theirs', async () => {
  const folders = [['both', 'one'], ['both']].map((tags, i) => makeRun(home, { id: `run-${i}`, state: 'done', tags }));
  await store.setHomes([home]);
  const luthier = { runs: store, load: async () => undefined, selectedRuns: async () => [] } as unknown as Luthier;
  const runs = folders.map((folder) => store.get(folder)!);
  const tagging = tagRun(luthier, runs[0], runs);
  const picker = await question('Type a new tag');
  expect(labels(picker)).toEqual(['$(tag) both', '$(tag) one']);
  expect(picker.items[1]).toMatchObject({ description: 'on 1 of 2' });
  expect(picker.selectedItems.map(({ label }) => label)).toEqual(['$(tag) both']);
  picker.selectedItems = [];
  picker.write(' new  tag ');
  picker.confirm();
  await tagging;
  expect(folders.map((folder) => store.get(folder)?.record.tags)).toEqual([['new tag', 'one'], ['new tag']]);
});
