import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as vscode from 'vscode';
import type { Comparison, ComparisonAsked, ComparisonMessage } from '../../protocol/index.ts';
import type { ServiceRequestOptions } from '../engine/service.ts';
import type { ComparisonSession } from '../runs/comparison.ts';
import { Page } from '../testing/page.ts';
import * as editor from '../testing/vscode.ts';
import { Comparisons, type ComparisonsOptions } from './comparison.ts';

const log = { info() {}, warn() {}, error() {}, debug() {} };
const ID = 'rows-20261127-abcd';

let folder: string;
let asked: ComparisonAsked;
let request: ReturnType<typeof vi.fn>;
let train: ReturnType<typeof vi.fn>;
const report = vi.fn();
let page: Page;
let pages: Comparisons;
/** What the engine says to the request that is open, and how it ends. */
let open: { options: ServiceRequestOptions; resolve: (comparison: Comparison) => void; reject: (e: Error) => void };

const comparison = (state: Comparison['state']): Comparison => ({
  ...{ format: 1, id: ID, compared: 'ways', question: 'q', state, created_at: '2026-11-27T08:00:00Z' },
  ...{ data: 'rows.csv', base: folder, task: 'text-classification', metric: 'f1_macro', rows: 400 },
  ...{ validation_rows: 40, folds: null, budget_s: 300, used_s: 3, notes: [], choice: null },
  candidates: [
    {
      ...{ strategy: 'head', title: 'Head', model: 'm', about: null, recipe: { model: 'm', dataset: 'rows.csv' } },
      ...{ estimate_s: 4, state: 'running', run: 'rows-m', reason: null, result: null },
    },
  ],
});

beforeEach(async () => {
  editor.reset();
  folder = mkdtempSync(join(tmpdir(), 'luthier comparison ü-'));
  asked = {
    ...{ compared: 'ways', data: 'rows.csv', base: folder, home: join(folder, '.luthier'), rows: 400 },
    ...{ task: 'text-classification', columns: {}, models: ['m'], minutes: 5, sets: [] },
  };
  request = vi.fn((method: string, _params: unknown, options: ServiceRequestOptions) =>
    method === 'comparison/run'
      ? new Promise((resolve, reject) => {
          open = { options, resolve, reject };
        })
      : Promise.resolve(null),
  );
  train = vi.fn(async () => undefined);
  page = new Page();
  pages = new Comparisons({
    ...{ extension: editor.Uri.file('/extension'), service: { request }, log, train },
    work: async (session: ComparisonSession) => void (await session.run(new AbortController().signal, report)),
  } as unknown as ComparisonsOptions);
});
afterEach(() => rmSync(folder, { recursive: true }));

const bringBack = async (id: string | null) => {
  await pages.deserializeWebviewPanel(page as unknown as vscode.WebviewPanel, { version: 1, asked, id });
  page.received.fire({ type: 'ready' });
};
const last = () => (page.posted as ComparisonMessage[]).at(-1);

test('a page that a reload brought back shows what was done, and resumes it; how far it is, is told', async () => {
  mkdirSync(join(asked.home, 'comparisons'), { recursive: true });
  writeFileSync(join(asked.home, 'comparisons', `${ID}.json`), JSON.stringify(comparison('running')));
  await bringBack(ID);
  // Whoever worked on it is gone.
  expect(last()).toMatchObject({ type: 'snapshot', isWorking: false, comparison: { state: 'interrupted' } });
  page.received.fire({ type: 'resume' });
  await vi.waitFor(() => expect(last()).toMatchObject({ type: 'snapshot', isWorking: true }));
  expect(request).toHaveBeenCalledWith('comparison/run', { ...asked, key: expect.any(String) }, expect.anything());
  open.options.onPart!({ type: 'comparison', comparison: comparison('running'), share: 0 });
  open.options.onPart!({ type: 'comparison', comparison: comparison('running'), share: 0.5 });
  expect(last()).toEqual({ type: 'progress', share: 0.5 });
  page.received.fire({ type: 'resume' });
  page.received.fire({ type: 'interrupt' });
  const { key } = request.mock.calls[0]![1] as { key: string };
  await vi.waitFor(() => expect(request).toHaveBeenLastCalledWith('comparison/interrupt', { key }));
  open.resolve(comparison('interrupted'));
  await vi.waitFor(() => expect(last()).toMatchObject({ isWorking: false, comparison: { state: 'interrupted' } }));
  expect(request.mock.calls.filter(([method]) => method === 'comparison/run')).toHaveLength(1);
});

test('a candidate that came to no result in its time counts among those that were tried, one that never began does not', async () => {
  await bringBack(null);
  page.received.fire({ type: 'resume' });
  await vi.waitFor(() => expect(request).toHaveBeenCalledOnce());
  const [head] = comparison('running').candidates;
  const candidates = [
    { ...head!, state: 'left-out' as const, reason: 'It came to no result within its share of the time.' },
    { ...head!, strategy: 'full', run: 'rows-full' },
    { ...head!, strategy: 'lora', state: 'left-out' as const, run: null },
  ];
  open.options.onPart!({ type: 'comparison', comparison: { ...comparison('running'), candidates }, share: 0.5 });
  expect(report).toHaveBeenLastCalledWith({ message: '2 of 2: full', done: 75, total: 100 });
  open.resolve(comparison('interrupted'));
});

test('a candidate’s recipe is trained, its run opened, and a failure said', async () => {
  await bringBack(null);
  expect(last()).toMatchObject({ type: 'snapshot', comparison: null, isWorking: false });
  page.received.fire({ type: 'resume' });
  await vi.waitFor(() => expect(request).toHaveBeenCalledOnce());
  open.resolve({ ...comparison('done'), choice: { candidate: 0, reason: 'the only one' } });
  await vi.waitFor(() => expect(last()).toMatchObject({ comparison: { state: 'done' } }));
  page.received.fire({ type: 'train', candidate: 0, start: true });
  await vi.waitFor(() => expect(train).toHaveBeenCalledWith(asked, { model: 'm', dataset: 'rows.csv' }, true));
  page.received.fire({ type: 'openRun', run: 'rows-m' });
  await vi.waitFor(() =>
    expect(editor.commands.executeCommand).toHaveBeenCalledWith('luthier.openDashboard', 'rows-m'),
  );
  page.received.fire({ type: 'resume' });
  await vi.waitFor(() => expect(request).toHaveBeenCalledTimes(2));
  open.reject(new Error('No room.'));
  await vi.waitFor(() => expect(last()).toMatchObject({ type: 'failed', error: { message: 'No room.' } }));
});
