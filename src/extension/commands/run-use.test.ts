import { expect, test, vi } from 'vitest';
import type { Luthier } from '../context.ts';
import type { Run } from '../runs/run.ts';
import { recordOf } from '../testing/fake-run.ts';
import { openDashboard } from './run-use.ts';

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
