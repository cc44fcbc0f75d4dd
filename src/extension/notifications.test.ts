import { beforeEach, expect, test, vi } from 'vitest';
import type { RunEvent } from '../protocol/index.ts';
import type { Luthier } from './context.ts';
import { Emitter } from './events.ts';
import { COMMANDS } from './ids.ts';
import { notifyEnds } from './notifications.ts';
import type { Run } from './runs/run.ts';
import { recordOf } from './testing/fake-run.ts';
import { commands, reset, window } from './testing/vscode.ts';

beforeEach(() => reset());

test('what went wrong on the graphics card is told once, with the way to the run; other notes are not', async () => {
  const events = new Emitter<{ run: Run; line: number; event: RunEvent }>();
  const luthier = { runs: { events, ended: new Emitter<Run>() } } as unknown as Luthier;
  const told = notifyEnds(luthier);
  const run = { folder: '/runs/r', record: recordOf({ id: 'r', name: 'tickets' }) } as Run;
  const say = (event: Partial<RunEvent>) =>
    events.fire({ run, line: 0, event: { event: 'note', time: 1, level: 'warning', ...event } as RunEvent });
  say({ message: 'Two texts were cut.' });
  expect(window.showWarningMessage).not.toHaveBeenCalled();
  window.showWarningMessage.mockResolvedValueOnce('Open Dashboard');
  say({ message: 'The graphics card was lost.', step: 15, incident: 'device-lost' });
  expect(window.showWarningMessage).toHaveBeenCalledExactlyOnceWith(
    'tickets: The graphics card was lost.',
    'Open Dashboard',
  );
  await vi.waitFor(() => expect(commands.executeCommand).toHaveBeenCalledWith(COMMANDS.openDashboard, '/runs/r'));
  told.dispose();
  say({ message: 'Again.', step: 15, incident: 'device-lost' });
  expect(window.showWarningMessage).toHaveBeenCalledTimes(1);
});
