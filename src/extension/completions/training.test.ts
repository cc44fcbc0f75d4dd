import { expect, it, vi } from 'vitest';
import type { Run } from '../runs/run.ts';
import { MachineTraining } from './training.ts';

const run = (state: Run['state']) => ({ state }) as Run;

it('a run of this window that trains is known at once; a paused one takes no time from anybody', () => {
  let working = [run('running')];
  const training = new MachineTraining({ working: () => working }, async () => false);
  expect(training.isTraining(0)).toBe(true);
  working = [run('paused'), run('starting')];
  expect(training.isTraining(1)).toBe(false);
});

it('runs of other windows and of terminals are looked for now and then, and nobody waits for that', async () => {
  let elsewhere = true;
  const look = vi.fn(async () => elsewhere);
  const training = new MachineTraining({ working: () => [] }, look);
  expect(training.isTraining(0)).toBe(false);
  await vi.waitFor(() => expect(training.now).toBe(true));
  expect(training.isTraining(29_999)).toBe(true);
  expect(look).toHaveBeenCalledTimes(1);
  elsewhere = false;
  training.isTraining(30_000);
  await vi.waitFor(() => expect(training.now).toBe(false));
  look.mockRejectedValueOnce(new Error('EACCES'));
  expect(training.isTraining(60_000)).toBe(false);
});
