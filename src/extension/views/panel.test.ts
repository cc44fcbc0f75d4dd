import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import type * as vscode from 'vscode';
import { type DashboardMessage, type DashboardRequest, parseDashboardRequest } from '../../protocol/index.ts';
import { HostError } from '../errors.ts';
import { Page } from '../testing/page.ts';
import * as editor from '../testing/vscode.ts';
import { Panel } from './panel.ts';

let page: Page;
let handled: DashboardRequest[];
let warnings: string[];
let errors: string[];
let fails: HostError | null;
let panel: Panel<DashboardRequest, DashboardMessage>;

const extension = mkdtempSync(join(tmpdir(), 'luthier-panel-'));
mkdirSync(join(extension, 'dist/webview'), { recursive: true });
writeFileSync(join(extension, 'dist/webview/guard.js'), 'watch();');
afterAll(() => rmSync(extension, { recursive: true, force: true }));

const open = (folder: string): void => {
  panel = new Panel<DashboardRequest, DashboardMessage>(
    page as unknown as vscode.WebviewPanel,
    editor.Uri.file(folder) as unknown as vscode.Uri,
    { name: 'dashboard', title: 'A run' },
    {
      info() {},
      debug() {},
      error: (message) => errors.push(String(message)),
      warn: (message) => warnings.push(message),
    },
    parseDashboardRequest,
    async (request) => {
      if (fails) throw fails;
      handled.push(request);
    },
    (request, error) =>
      error
        ? { type: 'failed', request: request.type, run: null, error }
        : { type: 'calledOff', request: request.type, run: null },
  );
};

beforeEach(() => {
  editor.reset();
  page = new Page();
  handled = [];
  warnings = [];
  fails = null;
  errors = [];
  open(extension);
});

test('a malformed message is dropped and logged, and what comes after it is heard', () => {
  const malformed: unknown[] = [
    undefined,
    null,
    7,
    'ready',
    [],
    {},
    { type: 'no such request' },
    { type: 'action', action: 'format the disk', run: 'a' },
    { type: 'action', action: 'stop', run: { toString: 'a' } },
    { type: 'openRow', run: 'a', file: 'rows.csv', line: 'one' },
    { type: '__proto__' },
  ];
  for (const message of malformed) page.received.fire(message);
  expect(handled).toEqual([]);
  expect(warnings).toHaveLength(malformed.length);
  for (const line of warnings) expect(line).toMatch(/^Dropped a message from the dashboard: ./);
  expect(page.posted).toEqual([]);
  page.received.fire({ type: 'ready' });
  expect(handled).toEqual([{ type: 'ready' }]);
});

test('a request that fails is answered with its code and one sentence, never a stack', async () => {
  fails = new HostError('run-not-found', 'That run no longer exists.');
  page.received.fire({ type: 'action', action: 'stop', run: 'a' });
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(page.posted).toEqual([
    { type: 'failed', request: 'action', run: null, error: { code: 'run-not-found', message: fails.message } },
  ]);
});

test('a request that the person calls off is answered, too', async () => {
  fails = new HostError('cancelled', 'Called off.');
  page.received.fire({ type: 'chooseRuns' });
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(page.posted).toEqual([{ type: 'calledOff', request: 'chooseRuns', run: null }]);
  expect(errors).toEqual([]);
});

test('a closed or hidden page is told nothing', async () => {
  page.shown = false;
  panel.post({ type: 'gone', run: 'a' });
  page.close();
  panel.post({ type: 'gone', run: 'a' });
  fails = new HostError('internal', 'Too late.');
  page.received.fire({ type: 'ready' });
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(page.posted).toEqual([]);
});

test('a page that fails is in the log with its trace, and Reload makes it again', () => {
  const first = page.webview.html;
  expect(first).toContain('watch();');
  page.received.fire({ type: 'pageFailed', message: 'Broken on purpose.', detail: 'at draw (dashboard.js:1)' });
  expect(errors).toEqual(['The dashboard failed: Broken on purpose.\nat draw (dashboard.js:1)']);
  expect(page.webview.html).toBe(first);
  page.received.fire({ type: 'reload' });
  expect(page.webview.html).not.toBe(first);
  const nonces = (html: string) => html.replace(/nonce(="|-)[^"& ]+/g, 'nonce$1');
  expect(nonces(page.webview.html)).toBe(nonces(first));
  expect(handled).toEqual([]);
});

test('a page whose files are missing says so in words', () => {
  page = new Page();
  open(join(extension, 'gone'));
  expect(page.webview.html).toContain('Files of the Luthier extension are missing.');
  expect(errors[0]).toMatch(/^The dashboard cannot be shown: ENOENT/);
});
