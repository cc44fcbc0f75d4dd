import { expect, test } from 'vitest';
import { type RunEvent, taskOf } from '../../protocol/index.ts';
import { lineFor } from './run-screen.ts';

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
  const said = (event: RunEvent, task = 'text-classification') =>
    lineFor(event, { folder: '/r', task: taskOf(task), train: 'luthier train a.recipe.json --set seed=3' });
  expect(said(start(11))).toContain('only 11 rows held out for validation, which says little');
  expect(said(start(11))).toContain('luthier train a.recipe.json --set seed=3 --folds 5');
  for (const event of [start(30), start(0), start(11, { fold: 1 }), start(11, { step: 7 })])
    expect(said(event)).not.toContain('--folds');
  expect(said(start(40))).not.toContain('resumes');
  expect(said(start(40, { step: 7 }))).toContain('resumes after step 7');
  expect(said(start(11), 'text-generation')).not.toContain('--folds');
});
