import { expect, it } from 'vitest';
import type { Candidate, Comparison, ComparisonAsked } from '../../protocol/comparison.ts';
import {
  parseComparisonMessage,
  parseComparisonPageState,
  parseComparisonRequest,
} from '../../protocol/comparison-page.ts';
import { ComparisonStore } from './store.ts';

const asked: ComparisonAsked = {
  ...{ compared: 'ways', data: 'rows.csv', base: '/project', home: '/project/.luthier', task: 'text-classification' },
  ...{ columns: { text: 'text', label: 'label' }, rows: 400, models: ['starters/bert'], minutes: 5, sets: [] },
};
const candidate = (strategy: string, value: number | null): Candidate => ({
  ...{ strategy, title: strategy, model: 'starters/bert', about: null, recipe: { model: 'm', dataset: 'd' } },
  ...{ estimate_s: 4, state: value === null ? 'waiting' : 'done', run: null, reason: null },
  result:
    value === null
      ? null
      : {
          ...{ value, low: null, high: null, n: 40, majority: null, wall_s: 3, peak_rss_bytes: 1e8 },
          ...{ model_bytes: 1e7, adapter_bytes: null, stopped: false },
        },
});
const comparison = (state: Comparison['state'], candidates: Candidate[]): Comparison => ({
  ...{ format: 1, id: 'rows-20261127-abcd', compared: 'ways', question: 'q', state, created_at: '2026-11-27' },
  ...{ data: 'rows.csv', base: '/project', task: 'text-classification', metric: 'f1_macro', rows: 400 },
  ...{ validation_rows: 40, folds: null, budget_s: 300, used_s: 3, notes: [], candidates, choice: null },
});

it('shows what is measured while the others are tried, and can be resumed when it was interrupted', () => {
  const store = new ComparisonStore();
  expect(store.kept()).toBeNull();
  store.apply({ type: 'failed', request: 'resume', error: { code: 'internal', message: 'No.' } });
  store.apply({ type: 'snapshot', asked, comparison: null, isWorking: true });
  expect([store.failure, store.isResumable]).toEqual([null, false]);
  const both = [candidate('head', 0.7), candidate('full', null)];
  store.apply({ type: 'snapshot', asked, comparison: comparison('running', both), isWorking: true });
  store.apply({ type: 'progress', share: 0.4 });
  expect([store.measured.length, store.share]).toEqual([1, 0.4]);
  store.apply({ type: 'snapshot', asked, comparison: comparison('interrupted', both), isWorking: false });
  expect([store.isResumable, store.share]).toEqual([true, 0]);
  store.apply({ type: 'snapshot', asked, comparison: comparison('done', both), isWorking: false });
  expect(store.isResumable).toBe(false);
  expect(parseComparisonPageState(store.kept())).toMatchObject({ ok: true, message: { id: 'rows-20261127-abcd' } });
});

it('what does not fit the wire is refused', () => {
  const message = {
    type: 'snapshot',
    asked,
    comparison: comparison('done', [candidate('head', 0.7)]),
    isWorking: false,
  };
  expect(parseComparisonMessage(message)).toMatchObject({ ok: true });
  const outside = { ...candidate('head', 0.7), run: '../../elsewhere' };
  expect(parseComparisonMessage({ ...message, comparison: comparison('done', [outside]) }).ok).toBe(false);
  expect(parseComparisonMessage({ ...message, comparison: comparison('over' as 'done', []) }).ok).toBe(false);
  expect(parseComparisonRequest({ type: 'train', candidate: 0, start: true }).ok).toBe(true);
  expect(parseComparisonRequest({ type: 'train', candidate: -1, start: true }).ok).toBe(false);
  expect(parseComparisonPageState({ version: 2, asked, id: null }).ok).toBe(false);
});
