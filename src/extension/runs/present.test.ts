import { expect, test } from 'vitest';
import type { RunRecord, RunState } from '../../protocol/index.ts';
import { recordOf } from '../testing/fake-run.ts';
import {
  describeRunItem,
  endMessage,
  runContextValue,
  saysLittle,
  stateIcon,
  statusText,
  tooltipLines,
} from './present.ts';
import { datasetName, type Run } from './run.ts';

const runOf = (state: RunState, record: Partial<RunRecord> = {}, more: Partial<Run> = {}): Run => ({
  folder: '/home/x/.luthier/runs/r',
  home: '/home/x/.luthier',
  record: recordOf({ id: 'r', name: 'tickets', state, ...record }),
  state,
  readOnly: null,
  damaged: false,
  foreign: false,
  silent: false,
  progress: null,
  ...more,
});
const best = { step: 30, metrics: { accuracy: 0.861, f1_macro: 0.85, loss: 0.4 } };
const half = { step: 50, totalSteps: 100, loss: 0.3, etaSeconds: 130 };

test.each([
  [runOf('queued'), 1, 'next'],
  [runOf('queued'), 3, 'number 3 in the queue'],
  [runOf('queued'), null, 'not queued'],
  [runOf('running', {}, { progress: half }), null, '50 % · 2 min left'],
  [runOf('running', { best }, { progress: half }), null, '86.1 % accuracy · 50 % · 2 min left'],
  [runOf('running', {}, { progress: half, silent: true }), null, 'not answering · 50 % · 2 min left'],
  [runOf('paused', {}, { progress: half }), null, 'paused · 50 %'],
  [runOf('starting'), null, 'starting'],
  [
    runOf('done', { best, started_at: '2026-01-01T00:00:00Z', finished_at: '2026-01-01T00:03:00Z' }),
    null,
    '86.1 % accuracy · 3 min',
  ],
  [runOf('stopped', { best }), null, '86.1 % accuracy · stopped early'],
  [runOf('cancelled', { best }), null, 'discarded'],
  [runOf('interrupted', { step: 40, total_steps: 80 }), null, 'interrupted · 50 %'],
  [runOf('failed'), null, 'failed'],
  [runOf('failed', {}, { damaged: true }), null, 'unreadable'],
  [
    runOf('failed', {}, { damaged: true, readOnly: 'This run cannot be read: its run.json is not JSON.' }),
    null,
    'its run.json is not JSON.',
  ],
])('%#: a run is described by what matters in its state', (run, position, expected) => {
  expect(describeRunItem(run, position)).toBe(expected);
});

test('the metric shown is the one that decides, with loss only when there is no other', () => {
  const f1 = runOf('done', { best });
  f1.record.recipe.metric_for_best_model = 'f1_macro';
  expect(describeRunItem(f1, null)).toBe('85.0 % macro F1');
  expect(describeRunItem(runOf('done', { best: { step: 1, metrics: { loss: 0.25 } } }), null)).toBe('0.250 loss');
});

test('context values carry what a menu asks about', () => {
  expect(runContextValue(runOf('running'))).toBe('run.running');
  expect(runContextValue(runOf('done', { model: 'model' }))).toBe('run.done.model');
  const writer = runOf('done', { model: 'model', recipe: { task: 'conversational' } as RunRecord['recipe'] });
  expect(runContextValue(writer)).toBe('run.done.model.writes');
  expect(runContextValue(runOf('interrupted'))).toBe('run.interrupted.resumable');
  expect(runContextValue(runOf('failed', { started_at: '2026-01-01T00:00:00Z' }))).toBe('run.failed.resumable');
  expect(runContextValue(runOf('failed'))).toBe('run.failed');
  expect(runContextValue(runOf('interrupted', {}, { readOnly: 'newer' }))).toBe('run.interrupted.readonly');
});

test('the status bar shows the run at work and how many more there are', () => {
  expect(statusText([], 2)).toBeNull();
  expect(statusText([runOf('running', {}, { progress: half })], 0)).toBe('$(play-circle) tickets 50 % · 2 min left');
  expect(statusText([runOf('paused', {}, { progress: half })], 2)).toBe('$(debug-pause) tickets paused 50 % (+2)');
});

test('the end is told with the metric, a failure with its reason and the way out', () => {
  expect(endMessage(runOf('done', { best })).text).toBe('tickets is done: accuracy 86.1 % on the validation rows.');
  expect(endMessage(runOf('done')).text).toBe('tickets is done.');
  const error = { code: 'loss-not-finite', message: 'The loss became NaN at step 12.', hint: 'Lower learning_rate.' };
  expect(endMessage(runOf('failed', { error }))).toEqual({
    text: 'tickets failed: The loss became NaN at step 12. Lower learning_rate.',
    problem: true,
  });
  expect(endMessage(runOf('interrupted')).text).toBe(
    'tickets was interrupted: its process stopped unexpectedly. Resume picks up at its last checkpoint.',
  );
  const environment = { luthier: '1', node: '20', cpu: 'c', platform: 'p', executor: 'webgpu', num_threads: 1 };
  expect(endMessage(runOf('interrupted', { environment })).text).toBe(
    'tickets was interrupted: its process stopped unexpectedly, perhaps ended by the driver of the graphics card. Resume picks up at its last checkpoint.',
  );
});

test('a model that has forgotten much of its base says so at its end, and one that has not says nothing of it', () => {
  const of = (after: number) =>
    endMessage(runOf('done', { best, forgetting: { tokens: 700, before: 152.4, after } })).text;
  expect(of(160)).toBe('tickets is done: accuracy 86.1 % on the validation rows.');
  expect(of(305)).toBe(
    'tickets is done: accuracy 86.1 % on the validation rows. It has forgotten much of what the base model knew: its perplexity of a general English text is 305 (the base model: 152). A lower learning rate, fewer epochs, more text or LoRA keep more.',
  );
});

test('few validation rows and folds are said beside the metric', () => {
  const few = runOf('done', { best: { ...best, n: 4 } });
  expect(describeRunItem(few, null)).toBe('86.1 % accuracy on 4 rows');
  expect(endMessage(few).text).toBe(
    'tickets is done: accuracy 86.1 % on the validation rows. 4 rows held out: this says little. Hold out a larger share, or cross-validate.',
  );
  expect(describeRunItem(runOf('done', { best: { ...best, n: 400 } }), null)).toBe('86.1 % accuracy');
  const result = { fold: 1, metrics: best.metrics, n: 4 };
  const folds = { count: 2, final: true, results: [result, { ...result, fold: 2 }], deviations: {} };
  expect(describeRunItem(runOf('done', { best, folds }), null)).toBe('86.1 % accuracy, mean of 2 folds');
  expect(endMessage(runOf('done', { best, folds })).text).toBe(
    'tickets is done: accuracy 86.1 % as the mean of 2 folds.',
  );
  const progress = { ...half, stage: 'Fold 2 of 2' };
  expect(describeRunItem(runOf('running', { folds: { ...folds, results: [] } }, { progress }), null)).toBe(
    'fold 2 of 2 · 50 % · 2 min left',
  );
  expect(tooltipLines(runOf('done', { best, folds })).at(-1)).toContain('Mean of 2 folds');
});

test('a cross-validation is offered where a run with a recipe was measured on few rows', () => {
  const few = { best: { ...best, n: 4 }, recipe_path: '/a.recipe.json' };
  expect(saysLittle(runOf('done', few))).toBe(true);
  expect(saysLittle(runOf('stopped', few))).toBe(true);
  expect(saysLittle(runOf('failed', few))).toBe(false);
  expect(saysLittle(runOf('done', { ...few, recipe_path: null }))).toBe(false);
  expect(saysLittle(runOf('done', { ...few, best: { ...best, n: 30 } }))).toBe(false);
  expect(saysLittle(runOf('done', { ...few, best }))).toBe(false);
  expect(saysLittle(runOf('done', { ...few, folds: { count: 2, final: true, results: [], deviations: {} } }))).toBe(
    false,
  );
});

test('every state has an icon, and names in tooltips cannot make up Markdown', () => {
  for (const state of [
    'queued',
    'starting',
    'running',
    'paused',
    'stopping',
    'done',
    'stopped',
    'cancelled',
    'failed',
    'interrupted',
  ] as const) {
    expect(stateIcon(runOf(state)).icon).toBeTruthy();
  }
  const [first] = tooltipLines(runOf('done', { name: '[x](command:evil) $(trash)' }));
  expect(first).not.toMatch(/(?<!\\)\[x/);
  expect(first).not.toMatch(/(?<!\\)\$\(/);
});

test('a tooltip has the learning rate and the epochs that steps go by', () => {
  const line = (strategy?: object) =>
    tooltipLines(
      runOf('done', {
        recipe: { model: 'm', dataset: 'd', learning_rate: 1e-4, num_train_epochs: 1, strategy } as never,
      }),
    )[1];
  expect(line()).toBe('m · full · learning\\_rate 0\\.0001 · 1 epoch');
  expect(line({ type: 'few-shot', body_learning_rate: 2e-4 })).toBe('m · few\\-shot · body\\_learning\\_rate 0\\.0002');
  expect(line({ type: 'head', solver: 'lbfgs' })).toBe('m · head');
});

test("runs are grouped by their dataset's name, whatever the recipe says", () => {
  const of = (dataset: unknown) => datasetName(recordOf({ id: 'r', recipe: { dataset } as RunRecord['recipe'] }));
  expect(of('/data/tickets.csv')).toBe('tickets.csv');
  expect(of('C:\\data\\tickets.csv')).toBe('tickets.csv');
  expect(of('/w/.luthier/datasets/mine')).toBe('mine');
  expect(of({ train: '/d/train.csv', test: '/d/test.csv' })).toBe('train.csv');
  expect(of(undefined)).toBe('unknown data');
});
