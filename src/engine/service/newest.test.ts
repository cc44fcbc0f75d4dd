import { expect, it } from 'vitest';
import { Newest } from './newest.ts';

const never = new AbortController().signal;
const heard = (signal: AbortSignal) =>
  new Promise<string>((resolve) => {
    if (signal.aborted) resolve('cancelled');
    signal.addEventListener('abort', () => resolve('cancelled'));
  });

it('cancels an older request to the same thing, and none to another', async () => {
  const newest = new Newest();
  const older = newest.run('a', never, heard);
  let isOtherCancelled = false;
  void newest.run('b', never, heard).then(() => {
    isOtherCancelled = true;
  });
  expect(await newest.run('a', never, async (signal) => signal.aborted)).toBe(false);
  expect(await older).toBe('cancelled');
  expect(isOtherCancelled).toBe(false);
});

it('hears its own cancellation, and cancels nothing that is done', async () => {
  const newest = new Newest();
  const own = new AbortController();
  const asked = newest.run('a', own.signal, heard);
  own.abort();
  expect(await asked).toBe('cancelled');
  let signalOfDone: AbortSignal | undefined;
  await newest.run('a', never, async (signal) => {
    signalOfDone = signal;
  });
  await newest.run('a', never, async () => {});
  expect(signalOfDone!.aborted).toBe(false);
  expect(await newest.run('a', AbortSignal.abort(), async (signal) => signal.aborted)).toBe(true);
});
