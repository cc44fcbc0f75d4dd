import { expect, test } from 'vitest';
import { FrameQueue } from './frames.ts';

const clockwork = () => {
  let now = 0;
  let frame: (() => void) | null = null;
  return {
    onFrame: (run: () => void) => {
      if (frame) throw new Error('asked for two frames at once');
      frame = run;
    },
    now: () => now,
    spend: (ms: number) => {
      now += ms;
    },
    frame: () => {
      const run = frame;
      frame = null;
      run?.();
      return run !== null;
    },
  };
};

test('the same work asked for many times runs once a frame, in its last form', () => {
  const time = clockwork();
  const queue = new FrameQueue(5, time.onFrame, time.now);
  const key = {};
  const ran: number[] = [];
  for (let i = 0; i < 1000; i++) queue.ask(key, () => ran.push(i));
  expect(time.frame()).toBe(true);
  expect(ran).toEqual([999]);
  expect(time.frame()).toBe(false);
});

test('work past the budget waits for the next frame, and none is lost', () => {
  const time = clockwork();
  const queue = new FrameQueue(5, time.onFrame, time.now);
  const ran: string[] = [];
  for (const name of ['a', 'b', 'c', 'd'])
    queue.ask({}, () => {
      time.spend(3);
      ran.push(name);
    });
  time.frame();
  expect(ran).toEqual(['a', 'b']);
  time.frame();
  expect(ran).toEqual(['a', 'b', 'c', 'd']);
  expect(time.frame()).toBe(false);
});

test('work that throws is reported, does not run again, and does not stop the rest', () => {
  const time = clockwork();
  const queue = new FrameQueue(5, time.onFrame, time.now);
  const ran: string[] = [];
  queue.ask({}, () => {
    ran.push('broken');
    throw new Error('broken');
  });
  queue.ask({}, () => ran.push('whole'));
  expect(() => time.frame()).toThrow('broken');
  expect(ran).toEqual(['broken']);
  expect(time.frame()).toBe(true);
  expect(ran).toEqual(['broken', 'whole']);
  // And nothing is left that would ask for frames for ever.
  expect(time.frame()).toBe(false);
});

test('dropped work does not run, what was asked for beside it does, and it can be asked for again', () => {
  const time = clockwork();
  const queue = new FrameQueue(5, time.onFrame, time.now);
  const key = {};
  const ran: string[] = [];
  queue.ask(key, () => ran.push('dropped'));
  queue.ask({}, () => ran.push('kept'));
  queue.drop(key);
  expect(time.frame()).toBe(true);
  expect(ran).toEqual(['kept']);
  expect(time.frame()).toBe(false);
  queue.ask(key, () => ran.push('again'));
  expect(time.frame()).toBe(true);
  expect(ran).toEqual(['kept', 'again']);
});

test('work that asks for itself comes again in the next frame, not in this one', () => {
  const time = clockwork();
  const queue = new FrameQueue(5, time.onFrame, time.now);
  const key = {};
  let ran = 0;
  const work = (): void => {
    ran++;
    if (ran < 3) queue.ask(key, work);
  };
  queue.ask(key, work);
  time.frame();
  expect(ran).toBe(1);
  time.frame();
  time.frame();
  expect(ran).toBe(3);
  expect(time.frame()).toBe(false);
});
