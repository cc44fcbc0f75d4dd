import { expect, it } from 'vitest';
import { requireSameRows } from './same-rows.ts';

const before = { labels: ['a', 'b'], num_train_rows: 1200, num_validation_rows: 30 };

it('lets a run go on with the rows that it began with, and says what has changed', () => {
  const now = { labels: ['a', 'b'], numTrainRows: 1200, numValidationRows: 30 };
  expect(() => requireSameRows(before, now)).not.toThrow();
  expect(() => requireSameRows(before, { ...now, numTrainRows: 1199 })).toThrow(
    '(now 1,199 training rows, were 1,200), so the run cannot be resumed.',
  );
  expect(() => requireSameRows(before, { ...now, labels: ['b', 'a'] })).toThrow('(classes are now b, a, were a, b)');
});
