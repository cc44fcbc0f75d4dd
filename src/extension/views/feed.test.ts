import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunEvent, StepEvent } from '../../protocol/index.ts';
import { readMetrics, START_OF_METRICS } from '../../runs/metrics.ts';
import { temporaryFolder } from '../testing/programs.ts';
import { RunFeed } from './feed.ts';

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, 'metrics.jsonl');
});
afterEach(() => folder.remove());

const step = (n: number): StepEvent => ({
  event: 'step',
  time: n,
  step: n,
  epoch: 0,
  loss: 1 / n,
  learning_rate: 0,
  grad_norm: 0,
  tokens_per_second: 0,
  step_ms: 0,
  rss_bytes: 0,
  eta_s: null,
});
const note = (message: string): RunEvent => ({ event: 'note', time: 0, level: 'info', message });
const lines = (...events: RunEvent[]) => events.map((event) => `${JSON.stringify(event)}\n`).join('');
const steps = (feed: RunFeed) => [...feed.steps.column('step')];

test('reads the past, then takes what the socket brings, each line once', async () => {
  writeFileSync(file, lines(step(1), note('a'), step(2)));
  const feed = new RunFeed(folder.path);
  const told: RunEvent[] = [];
  await feed.read();
  feed.onEvents = (events) => void told.push(...events);
  expect(steps(feed)).toEqual([1, 2]);
  expect(feed.events).toEqual([note('a')]);
  feed.live([
    { line: 2, event: step(2) },
    { line: 3, event: step(3) },
  ]);
  expect(steps(feed)).toEqual([1, 2, 3]);
  expect(told).toEqual([step(3)]);
  // The same line is in the file too; reading it brings nothing new.
  appendFileSync(file, lines(step(3)));
  await feed.read();
  expect(told).toEqual([step(3)]);
});

test('fills a gap from the file', async () => {
  writeFileSync(file, lines(step(1)));
  const feed = new RunFeed(folder.path);
  await feed.read();
  appendFileSync(file, lines(step(2), step(3), step(4)));
  feed.live([{ line: 3, event: step(4) }]);
  await feed.read();
  expect(steps(feed)).toEqual([1, 2, 3, 4]);
});

test('a gap that the file cannot fill does not lose what came', async () => {
  writeFileSync(file, lines(step(1)));
  const feed = new RunFeed(folder.path);
  await feed.read();
  feed.live([{ line: 7, event: step(8) }]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await feed.read();
  expect(steps(feed)).toEqual([1, 8]);
});

test('events that arrive while the file is read are neither lost nor doubled', async () => {
  writeFileSync(file, lines(...Array.from({ length: 3000 }, (_, i) => step(i + 1))));
  const feed = new RunFeed(folder.path);
  const reading = feed.read();
  feed.live([
    { line: 2999, event: step(3000) },
    { line: 3000, event: step(3001) },
  ]);
  await reading;
  expect(steps(feed).length).toBe(3001);
  expect(feed.steps.lastStep).toBe(3001);
});

test('a torn line, an unknown event and nonsense are skipped; a torn last line waits for its end', async () => {
  writeFileSync(
    file,
    `${lines(step(1))}{"event":"step","st\n{"event":"later"}\nnonsense\n\n${lines(step(2))}{"event":"no`,
  );
  const feed = new RunFeed(folder.path);
  await feed.read();
  expect(steps(feed)).toEqual([1, 2]);
  appendFileSync(file, 'te","time":0,"level":"info","message":"é"}\n');
  await feed.read();
  expect(feed.events).toEqual([note('é')]);
});

test('after a resume the last word on a step counts', async () => {
  writeFileSync(file, lines(step(1), step(2), step(3), { ...step(2), loss: 9 }));
  const feed = new RunFeed(folder.path);
  await feed.read();
  expect(steps(feed)).toEqual([1, 2]);
  expect([...feed.steps.column('loss')]).toEqual([1, 9]);
});

test('no file is an empty past', async () => {
  const feed = new RunFeed(join(folder.path, 'nothing'));
  await feed.read();
  expect(feed.steps.length).toBe(0);
});

test('a large file is read in pieces, and others get their turn in between', async () => {
  const text = lines(step(1)).repeat(20_000);
  writeFileSync(file, text);
  let turns = 0;
  const ticking = setInterval(() => turns++, 0);
  let count = 0;
  let calls = 0;
  const end = await readMetrics(join(folder.path, 'metrics.jsonl'), START_OF_METRICS, (read) => {
    count += read.length;
    calls++;
  });
  clearInterval(ticking);
  expect(count).toBe(20_000);
  expect(calls).toBeGreaterThan(10);
  expect(turns).toBeGreaterThan(0);
  expect(end).toEqual({ byte: Buffer.byteLength(text), line: 20_000 });
});

test('of a cross-validation the steps are those of the training at work', async () => {
  const begin = (fold?: number) =>
    ({
      ...note(''),
      event: 'start',
      run: '',
      total_steps: 3,
      step: 0,
      labels: [],
      executor: '',
      num_threads: 1,
      num_train_rows: 1,
      num_validation_rows: 1,
      num_parameters: 1,
      num_trainable_parameters: 1,
      ...(fold === undefined ? {} : { fold }),
    }) as unknown as RunEvent;
  writeFileSync(file, lines(begin(1), { ...step(1), fold: 1 }, { ...step(2), fold: 1 }, begin(2)));
  const feed = new RunFeed(folder.path);
  await feed.read();
  expect(steps(feed)).toEqual([]);
  feed.live([{ line: 4, event: { ...step(1), fold: 2 } }]);
  // Resumed within the fold.
  feed.live([{ line: 5, event: begin(2) }]);
  expect(steps(feed)).toEqual([1]);
  feed.live([{ line: 6, event: begin() }]);
  expect(steps(feed)).toEqual([]);
});
