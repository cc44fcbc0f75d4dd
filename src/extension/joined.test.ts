import { expect, test } from 'vitest';
import { Joined } from './joined.ts';

/** Work that lasts until it is let go, and what has begun. */
function work() {
  const begun: (() => void)[] = [];
  return { begun, work: () => new Promise<void>((resolve) => begun.push(resolve)) };
}

test('calls during a work are joined to one more after it, and wait for that', async () => {
  const { begun, work: wait } = work();
  const joined = new Joined(wait);
  const ended: string[] = [];
  const call = (name: string) => joined.run().then(() => ended.push(name));
  const calls = [call('first'), call('second'), call('third')];
  expect([begun.length, joined.isRunning]).toEqual([1, true]);
  begun[0]!();
  await expect.poll(() => begun.length).toBe(2);
  expect(ended).toEqual([]);
  begun[1]!();
  await Promise.all(calls);
  expect([begun.length, joined.isRunning, ended.sort()]).toEqual([2, false, ['first', 'second', 'third']]);
  const later = joined.run();
  expect(begun).toHaveLength(3);
  begun[2]!();
  await later;
});

test('what is over does no more, and an error goes to all who wait', async () => {
  const { begun, work: wait } = work();
  let isOver = false;
  const joined = new Joined(wait, () => isOver);
  const calls = [joined.run(), joined.run()];
  isOver = true;
  begun[0]!();
  await Promise.all(calls);
  expect(begun).toHaveLength(1);

  const failing = new Joined(() => Promise.reject(new Error('no disk')));
  const failed = await Promise.allSettled([failing.run(), failing.run()]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(failing.isRunning).toBe(false);
});
