import { describe, expect, it } from 'vitest';
import type { Candidate, CandidateResult } from '../../../protocol/index.ts';
import { choose, ofTheTime } from './choice.ts';

const candidate = (
  strategy: string,
  value: number,
  wall_s: number,
  more: Partial<CandidateResult> = {},
): Candidate => ({
  strategy,
  title: strategy,
  model: `models/${strategy}`,
  about: null,
  recipe: { model: 'm', dataset: 'd' },
  estimate_s: wall_s,
  state: 'done',
  run: null,
  reason: null,
  result: {
    ...{ value, low: value - 0.05, high: value + 0.05, n: 100, majority: 0.2, wall_s },
    ...{ peak_rss_bytes: 1, model_bytes: 1, adapter_bytes: null, stopped: false },
    ...more,
  },
});
const leftOut: Candidate = { ...candidate('slow', 1, 1), state: 'left-out', result: null };

describe('choose', () => {
  it('takes the fastest of those within the interval of the best', () => {
    const found = choose('ways', 'accuracy', [
      candidate('head', 0.6, 2),
      candidate('few-shot', 0.705, 10),
      candidate('full', 0.72, 100),
      leftOut,
    ]);
    expect(found).toEqual({
      candidate: 1,
      reason: 'few-shot: accuracy 70.5 %, within the interval of full (72.0 %, 67.0 – 77.0 %) at a tenth of the time.',
    });
  });

  it('takes the best where nothing faster comes near', () => {
    const found = choose('ways', 'f1_macro', [candidate('head', 0.5, 2), candidate('full', 0.9, 100)]);
    expect(found).toEqual({
      candidate: 1,
      reason: 'full: macro F1 90.0 %, the best; no faster one comes within its interval (85.0 – 95.0 %).',
    });
  });

  it('says so where the best is the fastest, or the only one', () => {
    const both = [candidate('head', 0.9, 2), candidate('full', 0.7, 100)];
    expect(choose('ways', 'accuracy', both)!.reason).toBe('head: accuracy 90.0 %, the best, and the fastest.');
    expect(choose('models', 'accuracy', [leftOut, both[1]!])).toEqual({
      candidate: 1,
      reason: 'models/full: accuracy 70.0 %, the only one that was measured.',
    });
    expect(choose('ways', 'accuracy', [leftOut])).toBeNull();
  });

  it('knows metrics of which less is better', () => {
    const found = choose('ways', 'perplexity', [
      candidate('lora', 40, 10, { low: 38, high: 42, majority: null }),
      candidate('full', 12, 100, { low: 11, high: 13, majority: null }),
      candidate('freeze', 12.9, 50, { low: 12, high: 14, majority: null }),
    ]);
    expect(found).toMatchObject({ candidate: 2, reason: expect.stringContaining('at half the time') });
  });

  it('of so few rows that there is no interval, takes the best, of equal ones the faster', () => {
    const none = { low: null, high: null };
    const found = choose('ways', 'f1_macro', [
      candidate('head', 0.8, 2, none),
      candidate('lora', 0.9, 20, none),
      candidate('full', 0.9, 10, none),
    ]);
    expect(found).toMatchObject({ candidate: 2, reason: expect.stringContaining('too few rows for intervals') });
  });

  it('one that was stopped after fewer rows than others takes no part, and is named', () => {
    const part = candidate('freeze', 1, 30, { low: null, high: null, n: 7, stopped: true });
    expect(choose('ways', 'f1_macro', [candidate('head', 0.958, 22, { n: 26, stopped: true }), part])).toEqual({
      candidate: 0,
      reason:
        'head: macro F1 95.8 %, the only one that was measured on 26 rows. It was stopped early, and may come further with more time. freeze was stopped after 7 rows, where head was measured on 26, so its figure cannot be compared.',
    });
    // Fewer rows by themselves are none: a model whose tokens are fewer leaves rows out.
    const other = candidate('models/small', 1, 1, { n: 98 });
    expect(choose('models', 'accuracy', [candidate('a', 0.9, 2), other])!.candidate).toBe(1);
    // Where all have a part alone, they are compared.
    expect(choose('ways', 'f1_macro', [part])!.reason).toContain('the only one that was measured. It was stopped');
  });

  it('says what keeps it from being sure', () => {
    const reason = (more: Partial<CandidateResult>) =>
      choose('ways', 'accuracy', [candidate('head', 0.6, 2), candidate('full', 0.9, 100, more)])!.reason;
    expect(reason({ stopped: true })).toContain('was stopped early');
    expect(reason({ majority: 0.87 })).toContain('always answering the most frequent class comes to 87.0 %');
    expect(reason({})).not.toContain('But');
  });
});

it.each([
  [0.98, 'in as much time'],
  [0.7, 'at 70 % of the time'],
  [0.5, 'at half the time'],
  [0.34, 'at a third of the time'],
  [0.1, 'at a tenth of the time'],
  [0.04, 'at 1/25 of the time'],
])('a ratio of %s is %s', (ratio, words) => {
  expect(ofTheTime(ratio)).toBe(words);
});

describe('choose of a search', () => {
  const trial = (rate: number, value: number, wall_s: number, rung?: number): Candidate => ({
    ...candidate('full', value, wall_s),
    values: { learning_rate: rate },
    ...(rung && { rung: { rung, rungs: 2, key: 'num_train_epochs', value: rung === 1 ? 1 : 3 } }),
  });

  it('takes the best, though another within its interval is faster, and says so', () => {
    const choice = choose('search', 'accuracy', [trial(1e-4, 0.78, 2), trial(1e-3, 0.8, 10), trial(1e-2, 0.4, 10)]);
    expect(choice).toEqual({
      candidate: 1,
      reason:
        'learning_rate 0.001: accuracy 80.0 %, the best of 3; another lies within its interval (75.0 – 85.0 %), so on these rows they cannot be told apart.',
    });
  });

  it('leaves out those that were stopped after fewer rows', () => {
    const part = { ...trial(1e-4, 1, 2) };
    part.result = { ...part.result!, n: 20, stopped: true };
    const choice = choose('search', 'accuracy', [part, trial(1e-3, 0.8, 10), trial(1e-2, 0.4, 10)])!;
    expect(choice.candidate).toBe(1);
    expect(choice.reason).toContain('learning_rate 1e-4 was stopped after 20 rows, where ');
  });

  it('of successive halving takes the best of the last rung, and says where none trained to the end', () => {
    const first = [trial(1e-4, 0.9, 1, 1), trial(1e-3, 0.8, 1, 1), trial(1e-2, 0.4, 1, 1)];
    expect(choose('search', 'accuracy', [...first, trial(1e-4, 0.85, 3, 2)])).toEqual({
      candidate: 3,
      reason: 'learning_rate 1e-4 · 3 epochs: accuracy 85.0 %, the best of 4 trainings by successive halving.',
    });
    expect(choose('search', 'accuracy', first)!.reason).toBe(
      'learning_rate 1e-4 · 1 epoch: accuracy 90.0 %, the best of 3 candidates of rung 1; none was trained to the end.',
    );
  });
});
