import { writeSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RunEvent } from '../../protocol/index.ts';
import { effectiveEvents, readEvents } from '../../runs/metrics.ts';
import { EventLog } from './event-log.ts';

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-metrics-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  path = join(folder, 'metrics.jsonl');
  await rm(path, { force: true });
});

const step = (n: number, loss = n): RunEvent => ({
  event: 'step',
  time: 0,
  step: n,
  epoch: 0,
  loss,
  learning_rate: 0,
  grad_norm: 0,
  tokens_per_second: 0,
  step_ms: 0,
  rss_bytes: 0,
  eta_s: null,
});
const start = (n: number): RunEvent => ({
  event: 'start',
  time: 0,
  run: '',
  total_steps: 9,
  step: n,
  num_train_rows: 0,
  num_validation_rows: 0,
  labels: [],
  num_parameters: 0,
  num_trainable_parameters: 0,
  executor: '',
  num_threads: 1,
});

describe('EventLog', () => {
  it('counts lines and goes on where it was', async () => {
    const first = EventLog.open(path);
    expect([first.append(step(1)), first.append(step(2))]).toEqual([0, 1]);
    first.close();
    const second = EventLog.open(path);
    expect(second.append(step(3))).toBe(2);
    second.close();
    expect((await readEvents(path, 1)).map(({ line }) => line)).toEqual([1, 2]);
  });

  it('ends a torn last line, so that nothing after it is lost', async () => {
    const whole = `${JSON.stringify(step(1))}\n${JSON.stringify(step(2))}\n`;
    for (let cut = 1; cut < whole.length; cut++) {
      await writeFile(path, whole.slice(0, cut));
      const log = EventLog.open(path);
      const line = log.append(step(3));
      log.close();
      const events = await readEvents(path);
      expect(events.at(-1)).toEqual({ line, event: step(3) });
      const lines = (await readFile(path, 'utf8')).split('\n');
      expect(lines[line]).toBe(JSON.stringify(step(3)));
    }
  });

  it('says that the disk is full, be it in the middle of a line', () => {
    let room = 50;
    const log = EventLog.open(path, (fd, bytes) => {
      if (room === 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      const written = writeSync(fd, bytes, 0, Math.min(room, bytes.length));
      room -= written;
      return written;
    });
    expect(() => log.append(step(1))).toThrow(expect.objectContaining({ code: 'disk-full' }));
    log.close();
  });
});

describe('readEvents', () => {
  it('has none for a missing file, and passes over what is no event', async () => {
    expect(await readEvents(path)).toEqual([]);
    await writeFile(path, `{"a":1}\nnot json\n[]\nnull\n${JSON.stringify(step(1))}\n`);
    await appendFile(path, JSON.stringify(step(2)));
    expect(await readEvents(path)).toEqual([{ line: 4, event: step(1) }]);
  });

  it('never throws, whatever the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        await writeFile(path, bytes);
        const log = EventLog.open(path);
        const line = log.append(step(7));
        log.close();
        expect((await readEvents(path)).at(-1)).toEqual({ line, event: step(7) });
      }),
      { numRuns: 100 },
    );
  });
});

describe('effectiveEvents', () => {
  const logged = (events: RunEvent[]) => events.map((event, line) => ({ line, event }));

  it('takes back what came after the step that a run was resumed from', () => {
    const events = [start(0), step(1), step(2), step(3), step(4), start(2), step(3, 30)];
    const kept = effectiveEvents(logged(events));
    expect(kept.flatMap((e) => (e.event === 'step' ? [[e.step, e.loss]] : []))).toEqual([
      [1, 1],
      [2, 2],
      [3, 30],
    ]);
  });

  it('keeps the last line of a step', () => {
    expect(effectiveEvents(logged([step(1), step(1, 5)]))).toEqual([step(1, 5)]);
  });
});
