import { expect, test } from 'vitest';
import { type RunRecord, trainingsOf } from '../../protocol/index.ts';
import { trainingsTable } from './run-result.ts';

test.each([
  [{ task: 'text-classification' }, 'rows'],
  [{ task: 'text-classification', problem_type: 'regression' }, 'rows'],
  [{ task: 'token-classification' }, 'sentences'],
  [{ task: 'conversational' }, 'conversations'],
])('folds of %j are counted in %s', (recipe, noun) => {
  const results = [1, 2].map((fold) => ({ fold, n: 10 * fold, metrics: { loss: fold } }));
  const folds = { count: 2, final: false, results, deviations: { loss: Math.SQRT1_2 } } as RunRecord['folds'] & object;
  const [head, , ...rows] = trainingsTable(trainingsOf({ folds })!, recipe as RunRecord['recipe']).split('\n');
  expect(head!.trim().split(/\s{2,}/)).toEqual(['fold', noun, 'loss']);
  expect(rows.join('\n')).toContain('1.5');
});
