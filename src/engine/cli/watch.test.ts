import { expect, test } from 'vitest';
import { type RunEvent, type RunRecord, taskOf, trainingsOf } from '../../protocol/index.ts';
import { lineFor, trainingsTable } from './watch.ts';

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

test('few rows held out are said with the command of a cross-validation, once, and not within one', () => {
  const start = (held: number, more: object = {}) =>
    ({
      ...{ event: 'start', time: 1, run: '/r', total_steps: 9, step: 0, num_train_rows: 100, labels: ['a', 'b'] },
      ...{
        num_validation_rows: held,
        num_parameters: 9,
        num_trainable_parameters: 9,
        executor: 'wasm',
        num_threads: 1,
      },
      ...more,
    }) as RunEvent;
  const said = (event: RunEvent, task = 'text-classification') => lineFor(event, '/r', taskOf(task));
  expect(said(start(11))).toContain('only 11 rows held out for validation, which says little');
  expect(said(start(11))).toContain('luthier train RECIPE --folds 5');
  for (const event of [start(30), start(0), start(11, { fold: 1 })]) expect(said(event)).not.toContain('--folds');
  expect(said(start(11), 'text-generation')).not.toContain('--folds');
});
