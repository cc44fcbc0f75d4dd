import { afterEach, expect, test, vi } from 'vitest';
import type { Candidate, Comparison } from '../../protocol/index.ts';
import { ComparisonScreen } from './compare.ts';

afterEach(() => vi.restoreAllMocks());

test('a candidate that was left out is told again once it is tried, or is left out for another reason', () => {
  const lines: { event: string; strategy: string; reason: string | null; value?: number }[] = [];
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => lines.push(JSON.parse(String(chunk))) > 0);
  const screen = new ComparisonScreen(true);
  const result = {
    ...{ value: 0.5, low: null, high: null, n: 9, majority: null, wall_s: 1, peak_rss_bytes: 1, model_bytes: 1 },
    ...{ adapter_bytes: null, stopped: false },
  };
  const show = (...changed: Partial<Candidate>[]) =>
    screen.show({
      ...{ compared: 'ways', notes: [], metric: 'accuracy', base: '.' },
      candidates: ['lora', 'full'].map((strategy, at) => ({
        ...{ strategy, model: 'm', about: null, estimate_s: 9, state: 'left-out', run: null, reason: 'No time.' },
        ...{ result: null, ...changed[at] },
      })),
    } as unknown as Comparison);
  show();
  show();
  show({ state: 'waiting', reason: null });
  show({ state: 'running', reason: null, run: 'a' });
  show({ state: 'done', reason: null, run: 'a', result });
  show({ state: 'done', reason: null, run: 'a', result }, { reason: '2 seconds were left.' });
  expect(lines.map(({ event, strategy, reason }) => [event, strategy, reason])).toEqual([
    ['left-out', 'lora', 'No time.'],
    ['left-out', 'full', 'No time.'],
    ['candidate', 'lora', null],
    ['left-out', 'full', '2 seconds were left.'],
  ]);
  expect(lines[2]!.value).toBe(0.5);
});
