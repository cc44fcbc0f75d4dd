import { expect, test } from 'vitest';
import { foldNotes, foldsFor, leftOf } from './preparation.ts';

const few = {
  ...{ rows: 25, validation_rows: 3 },
  classes: [
    { label: 'odd', count: 1 },
    { label: 'usual', count: 24 },
  ],
};

test('few rows are measured in folds, many are not, nor rows of a model that writes', () => {
  expect(foldsFor(few, 'text-classification')).toBe(5);
  expect(foldsFor({ rows: 3, validation_rows: 1 }, 'text-classification')).toBe(3);
  expect(foldsFor({ rows: 900, validation_rows: 90 }, 'text-classification')).toBeNull();
  expect(foldsFor(few, 'text-generation')).toBeNull();
});

test('the note of folds names a candidate that is the only one', () => {
  const told = (...names: string[]) => foldNotes(5, few, 'text-classification', names)[0];
  expect(told('head', 'full')).toBe(
    'Only 3 rows would be held out, so each candidate is cross-validated: 5 trainings, and all 25 rows are measured.',
  );
  expect(told('head')).toContain('so head is cross-validated: 5 trainings');
  expect(foldNotes(5, few, 'text-classification', ['head'])[1]).toMatch(/^“odd” has 1 row, fewer than the 5 folds/);
});

test('what is left of a budget is said as it is', () => {
  expect(leftOf(0, '2:00 minutes')).toBe('nothing of 2:00 minutes was');
  expect(leftOf(1.2, '2:00 minutes')).toBe('1 second of 2:00 minutes was');
  expect(leftOf(95, 'the 2:00 minutes of its rung')).toBe('1:35 minutes of the 2:00 minutes of its rung were');
});
