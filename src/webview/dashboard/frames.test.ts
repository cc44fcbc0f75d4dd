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

test('work that throws does not stop the rest', () => {
  const time = clockwork();
  const queue = new FrameQueue(5, time.onFrame, time.now);
  let ran = false;
  queue.ask({}, () => {
    throw new Error('broken');
  });
  queue.ask({}, () => {
    ran = true;
  });
  expect(() => time.frame()).toThrow('broken');
  time.frame();
  expect(ran).toBe(true);
});

test('dropped work does not run', () => {
  const time = clockwork();
  const queue = new FrameQueue(5, time.onFrame, time.now);
  const key = {};
  queue.ask(key, () => {
    throw new Error('ran');
  });
  queue.drop(key);
  time.frame();
});
