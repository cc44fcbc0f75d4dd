import { beforeEach, expect, test, vi } from 'vitest';
import type { Luthier } from '../context.ts';
import { Cancelled } from '../errors.ts';
import type { Run } from '../runs/run.ts';
import { recordOf } from '../testing/fake-run.ts';
import * as editor from '../testing/vscode.ts';
import { cancelRun } from './run-control.ts';

const actions = { stop: vi.fn(async () => {}), cancel: vi.fn(async () => {}) };
const runOf = (state: Run['state']): Run => ({ folder: '/runs/a', record: recordOf({ id: 'a' }), state }) as Run;
const discard = async (run: Run): Promise<void> => {
  const luthier = { load: async () => {}, actions, runs: { get: () => run } } as unknown as Luthier;
  await cancelRun(luthier, run);
};
/** Presses the button of the dialog; null is Escape, which VS Code answers with the button that closes. */
const press = (title: string | null) =>
  editor.window.showWarningMessage.mockImplementation(async (...args) => {
    const buttons = args.slice(2) as { title: string; isCloseAffordance?: boolean }[];
    return title === null
      ? buttons.find((button) => button.isCloseAffordance)
      : buttons.find((button) => button.title === title);
  });

beforeEach(() => {
  editor.reset();
  actions.stop.mockClear();
  actions.cancel.mockClear();
});

test('discarding asks, offers to keep the best model, and Escape trains on', async () => {
  const run = runOf('running');
  press('Discard Run');
  await discard(run);
  expect(actions.cancel).toHaveBeenCalledWith(run);
  expect(editor.window.showWarningMessage.mock.lastCall?.[0]).toBe('Discard this run?');
  expect(editor.window.showWarningMessage.mock.lastCall?.slice(2)).toEqual([
    { title: 'Stop and Keep Best' },
    { title: 'Discard Run' },
    { title: 'Keep Training', isCloseAffordance: true },
  ]);
  press('Stop and Keep Best');
  await discard(run);
  expect(actions.stop).toHaveBeenCalledWith(run);
  for (const way of ['Keep Training', null]) {
    press(way);
    await expect(discard(run)).rejects.toThrow(Cancelled);
  }
  expect([actions.stop.mock.calls.length, actions.cancel.mock.calls.length]).toEqual([1, 1]);
});

test('a paused run is kept, not trained on', async () => {
  press(null);
  await expect(discard(runOf('paused'))).rejects.toThrow(Cancelled);
  expect(editor.window.showWarningMessage.mock.lastCall?.at(-1)).toMatchObject({ title: 'Keep Run' });
});

test('a run that waits in line loses nothing, and goes without a question', async () => {
  press(null);
  const run = runOf('queued');
  await discard(run);
  expect(actions.cancel).toHaveBeenCalledWith(run);
  expect(editor.window.showWarningMessage).not.toHaveBeenCalled();
});
