import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type * as vscode from 'vscode';
import { Emitter } from '../events.ts';
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

beforeEach(() => {
  editor.reset();
  home = mkdtempSync(join(tmpdir(), 'luthier dashboard ü-'));
  store = new RunStore({ log, client: 'test', mayConnect: () => false });
  page = new Page();
  const options = {
    extension: editor.Uri.file('/extension'),
    store,
    starter: { changed: new Emitter<void>(), position: () => null },
    log,
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
