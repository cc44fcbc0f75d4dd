import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { asToast, Cancelled, firstSentence, HostError } from './errors.ts';
import type { Log } from './log.ts';
import { commands, reset, window } from './testing/vscode.ts';
import { showError } from './ui.ts';

beforeEach(reset);

function makeLog() {
  const lines: string[] = [];
  const take = (message: string | Error) => void lines.push(String(message));
  const log: Log = { info: take, warn: take, error: take, debug: take };
  return { log, lines };
}

/** The toast of a failure, with the button that is pressed. */
async function toastOf(error: unknown, pressed?: string) {
  const { log, lines } = makeLog();
  window.showErrorMessage.mockResolvedValueOnce(pressed);
  showError(error, log);
  await vi.waitFor(() => {});
  await new Promise((resolve) => setImmediate(resolve));
  const [text, ...buttons] = window.showErrorMessage.mock.calls[0] ?? [];
  return { text, buttons, lines };
}

test('a toast has the fact alone, a button that leads on, and the log the rest', async () => {
  const error = new HostError(
    'data-invalid',
    'a.csv, line 3: the quotes do not close. 4 more errors.',
    'Close them, or save the file again.',
  );
  const { text, buttons, lines } = await toastOf(error, 'Show Log');
  expect(text).toBe('a.csv, line 3: the quotes do not close.');
  expect(buttons).toEqual(['Show Log']);
  expect(lines).toEqual([`${error.message} ${error.hint}`]);
  expect(commands.executeCommand).toHaveBeenCalledWith('luthier.showLog');
});

test('a short fact needs no button', async () => {
  const { text, buttons } = await toastOf(new HostError('run-busy', 'tickets is training already'));
  expect([text, buttons]).toEqual(['tickets is training already.', []]);
});

test('settings open at the one that the failure speaks of', async () => {
  const error = new HostError('node-unusable', 'luthier.node.path names /x, which does not exist.', 'Clear it.', [
    'showLog',
  ]);
  const { buttons } = await toastOf(error, 'Open Settings');
  expect(buttons).toEqual(['Open Settings', 'Show Log']);
  expect(commands.executeCommand).toHaveBeenCalledWith('workbench.action.openSettings', 'luthier.node.path');
});

test('each failure is told once, a cancelled one never, and a trace goes to the log alone', async () => {
  const { log, lines } = makeLog();
  const error = new HostError('engine-gave-up', 'The engine has stopped 4 times.');
  for (let i = 0; i < 3; i++) showError(error, log);
  showError(new Cancelled(), log);
  expect(window.showErrorMessage).toHaveBeenCalledTimes(1);
  expect(window.showErrorMessage.mock.calls[0]).toEqual(['The engine has stopped 4 times.', 'Restart Engine']);
  showError(new TypeError('x is not a function\n    at a.ts:1'), log);
  expect(window.showErrorMessage.mock.calls[1]![0]).toBe('x is not a function.');
  expect(lines.at(-1)).toContain('TypeError');
});

test('a first sentence ends where another begins, not at the dot of a name or a number', () => {
  expect(firstSentence('rows.csv has 0.5 rows. Add some.')).toBe('rows.csv has 0.5 rows.');
  expect(firstSentence('No file ./a.b, e.g. none')).toBe('No file ./a.b, e.g. none.');
  expect(firstSentence('Really? “Yes.”')).toBe('Really?');
  expect(asToast(new HostError('usage', 'Short.')).ways).toEqual([]);
  expect(asToast(new HostError('usage', 'x'.repeat(90))).ways).toEqual(['showLog']);
});

test('failures are told by one function', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' });
  const others = files.filter(
    (file) =>
      /(?<!\.test)\.ts$/.test(file) &&
      !/^(ui\.ts|testing)/.test(file) &&
      readFileSync(join(import.meta.dirname, file), 'utf8').includes('showErrorMessage'),
  );
  expect(others).toEqual([]);
});
