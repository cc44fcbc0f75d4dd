import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunEvent } from '../protocol/index.ts';
import { type MetricsLine, readEvents, readMetrics, START_OF_METRICS } from './metrics.ts';

let path: string;
beforeAll(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'luthier-metrics ü-')), 'metrics.jsonl');
});
afterAll(() => rm(join(path, '..'), { recursive: true }));

const note = (message: string): RunEvent => ({ event: 'note', time: 0, level: 'info', message });
const lineOf = (message: string) => `${JSON.stringify(note(message))}\n`;

test('lines of any length are counted and passed over where they are no events; reading goes on where it ended', async () => {
  const long = 'é'.repeat(100_000);
  await writeFile(path, `${lineOf('a')}${'x'.repeat(9 << 20)}\n${lineOf(long)}${lineOf('c')}{"torn`);
  const lines: MetricsLine[] = [];
  const end = await readMetrics(path, START_OF_METRICS, (more) => lines.push(...more));
  expect(lines.map(({ line, event }) => [line, event.event === 'note' && event.message])).toEqual([
    [0, 'a'],
    [2, long],
    [3, 'c'],
  ]);
  expect(end.line).toBe(4);
  await appendFile(path, `"}\n${lineOf('d')}`);
  const more: MetricsLine[] = [];
  const last = await readMetrics(path, end, (next) => more.push(...next));
  expect(more).toEqual([{ line: 5, event: note('d') }]);
  expect(await readMetrics(path, last, () => expect.fail('nothing is new'))).toEqual(last);
  expect((await readEvents(path, 3)).map(({ line }) => line)).toEqual([3, 5]);
});
