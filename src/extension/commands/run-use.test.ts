import { expect, test, vi } from 'vitest';
import type { Luthier } from '../context.ts';
import { COMMANDS } from '../ids.ts';
import type { Run } from '../runs/run.ts';
import { recordOf } from '../testing/fake-run.ts';
import * as editor from '../testing/vscode.ts';
import { openDashboard, tryModel } from './run-use.ts';

const runOf = (id: string): Run => ({ folder: `/runs/${id}`, record: recordOf({ id }), state: 'running' }) as Run;

test('a click in the tree opens what it selected, the palette the run at work, a link the one that it names', async () => {
  const [selected, working, linked] = ['selected', 'working', 'linked'].map(runOf) as [Run, Run, Run];
  const all = [selected, working, linked];
  const show = vi.fn();
  let selection: Run[] = [selected];
  const luthier = {
    load: async () => {},
    selectedRuns: () => selection,
    runs: {
      working: () => [working],
      all: () => all,
      get: (folder: string) => all.find((run) => run.folder === folder),
      find: (name: string) => all.find((run) => run.folder === name || run.record.id === name),
    },
    dashboards: { show },
    achieved: vi.fn(),
  } as unknown as Luthier;
  await openDashboard(luthier);
  expect(show).toHaveBeenLastCalledWith([selected]);
  await openDashboard(luthier, linked.folder);
  expect(show).toHaveBeenLastCalledWith([linked]);
  selection = [];
  await openDashboard(luthier);
  expect(show).toHaveBeenLastCalledWith([working]);
});

test('Try Model without a model leads on instead of failing, and ticks nothing off', async () => {
  const working: Run[] = [];
  const show = vi.fn();
  const luthier = {
    load: async () => {},
    selectedRuns: async () => [],
    runs: { working: () => working, all: () => working },
    dashboards: { show },
    tryouts: { show },
    achieved: vi.fn(),
  } as unknown as Luthier;
  editor.reset();
  editor.window.showInformationMessage.mockResolvedValueOnce('Try with Example Data…');
  await tryModel(luthier);
  expect(editor.window.showInformationMessage.mock.calls[0]![0]).toBe('No run has a model yet. Fine-tune one first.');
  expect(editor.commands.executeCommand).toHaveBeenLastCalledWith(COMMANDS.tryExample);
  working.push(runOf('busy'));
  editor.window.showInformationMessage.mockResolvedValueOnce('Open Dashboard');
  await tryModel(luthier);
  expect(show).toHaveBeenLastCalledWith([working[0]]);
  expect(luthier.achieved).not.toHaveBeenCalled();
});
