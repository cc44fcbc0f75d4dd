import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { HostError } from './errors.ts';
import { silentLog } from './log.ts';
import { choose } from './questions.ts';
import { opened, reset, shown, Uri, window } from './testing/vscode.ts';
import { showError, shownItem, tell } from './ui.ts';

const EVIL = '[Click](command:workbench.action.terminal.new) $(trash) \u001b[2J';
const HARMLESS = '[Click]\u2060(command:workbench.action.terminal.new) $\u2060(trash) \\u001b[2J';

beforeEach(() => reset());

test('notifications, dialogs with their details, and errors are text', async () => {
  await tell('warning', EVIL, 'Button');
  expect(window.showWarningMessage).toHaveBeenLastCalledWith(HARMLESS, 'Button');
  await tell('information', EVIL, { modal: true, detail: EVIL }, 'Yes');
  expect(window.showInformationMessage).toHaveBeenLastCalledWith(HARMLESS, { modal: true, detail: HARMLESS }, 'Yes');
  showError(new HostError('data-invalid', EVIL), silentLog);
  expect(window.showErrorMessage).toHaveBeenLastCalledWith(`${HARMLESS}.`);
});

test('an error of a line has a button that goes there', async () => {
  window.showErrorMessage.mockResolvedValueOnce('Go to Line');
  const place = { uri: Uri.file('/work/rows.csv').toString(), line: 18 };
  showError(new HostError('data-invalid', 'rows.csv, line 18: 2 cells.', undefined, [], place), silentLog);
  expect(window.showErrorMessage).toHaveBeenLastCalledWith('rows.csv, line 18: 2 cells.', 'Go to Line');
  await vi.waitFor(() => expect(opened).toEqual([{ path: '/work/rows.csv', line: 18 }]));
});

test('pick lists show names as text; only an icon that begins a label is one', async () => {
  expect(shownItem({ label: `$(play) ${EVIL}`, description: EVIL, detail: EVIL })).toEqual({
    label: `$(play) ${HARMLESS}`,
    description: HARMLESS,
    detail: HARMLESS,
  });
  const picked = choose({
    title: 'T',
    placeholder: 'p',
    items: [
      { label: 'a', value: 1 },
      { label: EVIL, value: 2 },
    ],
  });
  expect(shown.picker?.items.map(({ label }) => label)).toEqual(['a', HARMLESS]);
  shown.picker?.accept(HARMLESS);
  expect(await picked).toBe(2);
});

/** What shows text as markup, and the files that may use it: they escape. */
const PLACES: readonly [RegExp, readonly string[]][] = [
  [/(?:window\.|')show(?:Information|Warning|Error)Message/, ['ui.ts']],
  [/window\.withProgress|window\.showInputBox/, ['ui.ts']],
  [/new vscode\.MarkdownString|isTrusted = true|supportHtml/, ['ui.ts']],
  [/window\.createQuickPick/, ['questions.ts', 'commands/run-record.ts', 'commands/run-tags.ts']],
  [/window\.showQuickPick/, ['views/open.ts', 'prompts/pick-rows.ts']],
  [/createStatusBarItem|setStatusBarMessage/, ['status-bar.ts', 'completions/status.ts']],
  // The guide to prompts is a page of the extension's own.
  [/markdown\.showPreview|REPORT_SCHEME,/, ['views/reports.ts', 'commands/new-prompt.ts']],
];

test('every place that shows text as markup is one that escapes it', () => {
  const here = import.meta.dirname;
  const sources = (readdirSync(here, { recursive: true }) as string[])
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.startsWith('testing/'));
  for (const [place, allowed] of PLACES) {
    const found = sources.filter((name) => place.test(readFileSync(join(here, name), 'utf8')));
    expect([place, found.filter((name) => !allowed.includes(name))]).toEqual([place, []]);
    // What may use one does, so that this test looks at what there is.
    if (!/isTrusted/.test(place.source)) expect(found.length).toBeGreaterThan(0);
  }
  // Those that are allowed escape.
  for (const name of new Set(PLACES.flatMap(([, allowed]) => allowed))) {
    const source = readFileSync(join(here, name), 'utf8');
    const escapes = /plain|plainLine|shownItem|markdown|statusText/.test(source);
    expect([name, escapes]).toEqual([name, name !== 'views/reports.ts' || escapes]);
  }
});
