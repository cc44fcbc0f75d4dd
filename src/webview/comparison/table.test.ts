import { expect, test } from 'vitest';
import type { Candidate } from '../../protocol/comparison.ts';
import { bestFirst } from './table.ts';

const candidate = (state: Candidate['state'], value: number | null, rung?: number): Candidate => ({
  ...{ strategy: 'full', title: 't', model: 'm', about: null, recipe: { model: 'm', dataset: 'd' }, estimate_s: 1 },
  ...{ state, run: null, reason: null },
  ...(rung !== undefined && { rung: { rung, rungs: 2, key: 'num_train_epochs', value: 3 ** (rung - 1) } }),
  result:
    value === null
      ? null
      : {
          ...{ value, low: null, high: null, n: 40, majority: null, wall_s: 3, peak_rss_bytes: 1 },
          ...{ model_bytes: 1, adapter_bytes: null, stopped: false },
        },
});

test('the best of a search stands first, and what is not measured last', () => {
  const tried = [
    candidate('waiting', null),
    candidate('done', 0.4),
    candidate('failed', null),
    candidate('done', 0.7),
    candidate('running', null),
    candidate('done', 0.4),
  ];
  expect(bestFirst(tried, 'accuracy')).toEqual([3, 1, 5, 4, 0, 2]);
  expect(bestFirst(tried, 'loss')).toEqual([1, 5, 3, 4, 0, 2]);
});

test('who was trained longer stands before the better ones of an earlier rung', () => {
  const tried = [
    candidate('done', 0.9, 1),
    candidate('done', 0.5, 1),
    candidate('done', 0.6, 2),
    candidate('waiting', null, 2),
  ];
  expect(bestFirst(tried, 'f1_macro')).toEqual([2, 0, 1, 3]);
});
