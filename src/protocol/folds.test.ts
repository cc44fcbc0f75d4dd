import { expect, test } from 'vitest';
import { allowsFolds, isFoldCount, stageName, suggestedFolds } from './folds.ts';
import { taskOf } from './tasks.ts';

const plan = { count: 5 };

test('a training by its name', () => {
  expect([stageName(plan, 2), stageName(plan, undefined)]).toEqual(['Fold 2 of 5', 'Model of all rows']);
});

test('2 to 100 folds', () => {
  expect([1, 2, 2.5, 100, 101, Number.NaN].filter(isFoldCount)).toEqual([2, 100]);
});

test('a cross-validation is offered first where few rows are held out, but not of models that write, nor of hardly any rows', () => {
  const few = { rows: 112, validation_rows: 11 };
  expect(suggestedFolds(few, taskOf('text-classification'))).toBe(5);
  expect(suggestedFolds({ rows: 400, validation_rows: 30 }, taskOf('text-classification'))).toBeNull();
  expect(suggestedFolds({ rows: 9, validation_rows: 1 }, taskOf('text-classification'))).toBeNull();
  expect(suggestedFolds({ rows: 112, validation_rows: 0 }, taskOf('regression'))).toBeNull();
  expect(suggestedFolds(few, taskOf('text-generation'))).toBeNull();
  expect(allowsFolds(few)).toBe(true);
});
