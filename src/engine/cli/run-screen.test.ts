import { afterEach, expect, test, vi } from 'vitest';

import { type RunEvent, taskOf } from '../../protocol/index.ts';
import { lineFor, screenFor } from './run-screen.ts';

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

afterEach(() => vi.restoreAllMocks());

test('behind the last step stands what follows it, and no time left', () => {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const said = (held: number, more: object = {}) => {
    text = '';
    const screen = screenFor(
      { folder: '/r', task: taskOf('text-classification'), train: 'luthier train' },
      { json: false },
    );
    const start = { event: 'start', time: 1, step: 0, total_steps: 3, num_train_rows: 9, num_validation_rows: held };
    const counts = { num_parameters: 9, num_trainable_parameters: 9, num_threads: 1, executor: 'wasm', labels: [] };
    screen.show({ ...start, ...counts, run: '/r', ...more } as RunEvent);
    const step = { event: 'step', time: 2, epoch: 1, loss: 0.5, tokens_per_second: 7, step_ms: 1, ...more };
    screen.show({ ...step, step: 1, eta_s: 2 } as RunEvent);
    screen.show({ ...step, step: 3, eta_s: null } as RunEvent);
    return text.split('\n').filter((line) => line.includes('Step '));
  };
  expect(said(4)).toEqual([
    'Step 1 of 3  loss 0.500  7 tokens/s  0:02 left',
    'Step 3 of 3  loss 0.500  7 tokens/s  evaluating, then saving',
  ]);
  expect(said(0)[1]).toMatch(/tokens\/s {2}saving$/);
  expect(said(4, { fold: 2 })[1]).toMatch(/tokens\/s {2}evaluating$/);
});
