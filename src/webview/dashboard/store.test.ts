import { describe, expect, test } from 'vitest';
import type { RunEvent, StartEvent } from '../../protocol/events.ts';
import { StepBuffer } from '../../protocol/steps.ts';
import { stepOf } from './store.ts';
import { record, snapshotOf, step, storeWith } from './testing/runs.ts';

const evaluation = (n: number, f1: number, best: boolean): RunEvent => ({
  event: 'eval',
  time: 1000 + n,
  step: n,
  epoch: n / 10,
  split: 'validation',
  metrics: { f1_macro: f1, loss: 1 - f1 },
  n: 20,
  best,
});
const start = (at: number): RunEvent => ({
  event: 'start',
  time: 999,
  run: 'a',
  total_steps: 50,
  step: at,
  num_train_rows: 90,
  num_validation_rows: 10,
  labels: ['x', 'y'],
  num_parameters: 10,
  num_trainable_parameters: 10,
  executor: 'onnxruntime',
  num_threads: 2,
});

describe('a snapshot', () => {
  test('replaces everything', () => {
    const { store } = storeWith(snapshotOf('a', [step(1)]), snapshotOf('b'));
    store.apply({ type: 'snapshot', runs: [snapshotOf('b', [step(1), step(2)])], focus: 'b' });
    expect([...store.runs.keys()]).toEqual(['b']);
    expect(store.focused?.steps.length).toBe(2);
  });

  test('with a focus that is not in it shows its first run; an empty one shows none', () => {
    const { store } = storeWith(snapshotOf('a'));
    store.apply({ type: 'snapshot', runs: [snapshotOf('b')], focus: 'gone' });
    expect(store.focus).toBe('b');
    store.apply({ type: 'snapshot', runs: [], focus: 'b' });
    expect(store.focused).toBeUndefined();
    expect(store.loaded).toBe(true);
  });

  test('believes the record about the state: a reader knows of an interruption, the events do not', () => {
    const { store } = storeWith(
      snapshotOf('a', [], {
        record: record('a', { state: 'interrupted' }),
        events: [{ event: 'state', time: 1, state: 'running' }],
      }),
    );
    expect(store.focused?.record.state).toBe('interrupted');
  });
});

describe('events', () => {
  test('of a note with a step are marks of the charts; a resumed run says again what came after its checkpoint', () => {
    const note = (n: number): RunEvent => ({ event: 'note', time: n, level: 'info', message: `from ${n}`, step: n });
    const plain: RunEvent = { event: 'note', time: 1, level: 'info', message: 'of no step' };
    const { store } = storeWith(snapshotOf('a', [], { events: [plain, note(1), note(6), note(9)] }));
    expect(store.focused!.marks.map((mark) => mark.step)).toEqual([1, 6, 9]);
    expect(store.focused!.log.map((line) => line.step)).toEqual([null, 1, 6, 9]);
    store.apply({ type: 'events', run: 'a', events: [start(7), note(9)] });
    expect(store.focused!.marks.map((mark) => mark.step)).toEqual([1, 6, 9]);
  });

  test('steps append, and move progress and time left', () => {
    const { store } = storeWith(snapshotOf('a', [step(1)]));
    store.apply({ type: 'events', run: 'a', events: [step(2), step(3)] });
    expect([...store.focused!.steps.column('step')]).toEqual([1, 2, 3]);
    expect(store.focused!.record.step).toBe(3);
    expect(store.focused!.eta_s).toBe(5);
  });

  test('a resume says steps again: the last line wins, and later evaluations are forgotten', () => {
    const { store } = storeWith(snapshotOf('a', [step(1), step(2), step(3), step(4)]));
    store.apply({ type: 'events', run: 'a', events: [evaluation(2, 0.5, true), evaluation(4, 0.6, true)] });
    store.apply({ type: 'events', run: 'a', events: [start(2), step(3, 9), step(4, 8)] });
    const run = store.focused!;
    expect([...run.steps.column('step')]).toEqual([1, 2, 3, 4]);
    expect([...run.steps.column('loss')]).toEqual([1, 0.5, 9, 8]);
    expect(run.steps.generation).toBe(1);
    expect(run.evals.map((e) => e.step)).toEqual([2]);
    expect(run.record.total_steps).toBe(50);
  });

  test('one malformed event is dropped with its reason, the others count', () => {
    const { store, dropped } = storeWith(snapshotOf('a'));
    const odd = [{ ...step(1), loss: 'low' }, null, { event: 'dance' }, step(2)] as unknown as RunEvent[];
    store.apply({ type: 'events', run: 'a', events: odd });
    expect([...store.focused!.steps.column('step')]).toEqual([2]);
    expect(dropped).toEqual([
      'message.loss is not a finite number',
      'message is null, not an object',
      'message.event is "dance", unknown',
    ]);
  });

  test('the best evaluation is the record’s', () => {
    const { store } = storeWith(snapshotOf('a'));
    store.apply({ type: 'events', run: 'a', events: [evaluation(2, 0.5, true), evaluation(4, 0.4, false)] });
    expect(store.focused!.record.best).toEqual({ step: 2, metrics: { f1_macro: 0.5, loss: 0.5 } });
    expect(store.focused!.log.map((line) => line.text)).toEqual([
      'Validation (best so far), 20 rows: macro F1 50.0\u00a0%, loss 0.500',
      'Validation, 20 rows: macro F1 40.0\u00a0%, loss 0.600',
    ]);
  });

  test('for a run that is no longer shown are ignored', () => {
    const { store } = storeWith(snapshotOf('a'));
    store.apply({ type: 'events', run: 'b', events: [step(1)] });
    store.apply({ type: 'gone', run: 'b' });
    expect(store.runs.size).toBe(1);
  });

  test('further columns of a long run append', () => {
    const { store } = storeWith(snapshotOf('a', [step(1)]));
    const more = new StepBuffer();
    for (let n = 2; n <= 5000; n++) more.append(step(n));
    store.apply({ type: 'steps', run: 'a', steps: more.toColumns() });
    expect(store.focused!.steps.length).toBe(5000);
    expect(store.focused!.steps.generation).toBe(0);
  });
});

describe('an action', () => {
  test('is pending until the state changes', () => {
    const { store } = storeWith(snapshotOf('a'));
    store.asked('a', 'pause');
    expect(store.focused!.pending).toBe('pause');
    store.apply({ type: 'events', run: 'a', events: [step(1)] });
    expect(store.focused!.pending).toBe('pause');
    store.apply({
      type: 'record',
      record: record('a', { state: 'paused' }),
      queue_position: null,
      model_folder: null,
      has_onnx: false,
    });
    expect(store.focused!.pending).toBeNull();
  });

  test('that fails says why and can be tried again', () => {
    const { store } = storeWith(snapshotOf('a'));
    store.asked('a', 'stop');
    const error = { code: 'run-busy' as const, message: 'The run does not answer.', hint: 'Wait a step.' };
    store.apply({ type: 'failed', request: 'action', run: 'a', error });
    expect(store.focused!.pending).toBeNull();
    expect(store.failure?.error).toEqual(error);
    store.asked('a', 'stop');
    expect(store.failure).toBeNull();
  });
});

test('rows of a cell are taken only for the cell that is open', () => {
  const { store } = storeWith(snapshotOf('a'));
  store.cell = { run: 'a', split: 'validation', actual: 'x', predicted: 'y', rows: null, total: 0 };
  const answer = { type: 'cell' as const, run: 'a', split: 'validation' as const, rows: [], total: 3 };
  store.apply({ ...answer, actual: 'y', predicted: 'x' });
  expect(store.cell.rows).toBeNull();
  store.apply({ ...answer, actual: 'x', predicted: 'y' });
  expect(store.cell).toMatchObject({ rows: [], total: 3 });
});

describe('what was asked for', () => {
  const asking = (action: 'pause' | 'cancel' | 'resume' | 'stop') => {
    const { store } = storeWith(snapshotOf('a', [], { record: record('a', { state: 'running' }) }));
    store.asked('a', action);
    expect(store.focused?.pending).toBe(action);
    return store;
  };

  test.each(['done', 'cancelled', 'failed'] as const)('is over when the host says that it is %s', (outcome) => {
    const store = asking('cancel');
    store.apply({ type: 'acted', action: 'pause', run: 'a', outcome });
    expect(store.focused?.pending).toBe('cancel');
    store.apply({ type: 'acted', action: 'cancel', run: 'a', outcome });
    expect(store.focused?.pending).toBeNull();
    expect(store.failure).toBeNull();
  });

  test('is under way at once, but for a run that is discarded only when the person has chosen', () => {
    expect(asking('stop').focused?.underWay).toBe('stop');
    const store = asking('cancel');
    expect(store.focused?.underWay).toBeNull();
    store.apply({ type: 'ending', action: 'stop', run: 'a' });
    expect(store.focused).toMatchObject({ pending: 'cancel', underWay: 'stop' });
    // In another window: nothing was asked for here.
    const { store: idle } = storeWith(snapshotOf('a', [], { record: record('a', { state: 'running' }) }));
    idle.apply({ type: 'ending', action: 'stop', run: 'a' });
    expect(idle.focused).toMatchObject({ pending: null, underWay: null });
  });

  test('is over when it fails with a reason, or the state changes', () => {
    const failing = asking('pause');
    failing.apply({ type: 'failed', request: 'pause', run: 'a', error: { code: 'internal', message: 'No.' } });
    expect(failing.focused?.pending).toBeNull();
    const changing = asking('pause');
    changing.apply({ type: 'events', run: 'a', events: [{ event: 'state', time: 1, state: 'paused' }] });
    expect(changing.focused?.pending).toBeNull();
  });

  test('rows that were called off are no longer waited for', () => {
    const { store } = storeWith(snapshotOf('a'));
    store.cell = { run: 'a', split: 'validation', actual: 'x', predicted: 'y', rows: null, total: 0 };
    store.apply({ type: 'calledOff', request: 'chooseRuns', run: null });
    expect(store.cell).not.toBeNull();
    store.apply({ type: 'calledOff', request: 'cell', run: 'a' });
    expect(store.cell).toBeNull();
  });
});

describe('a cross-validation', () => {
  const folds = { count: 5, final: true, results: [], deviations: {} };
  const begin = (fold: number | undefined, total_steps = 20): RunEvent => ({
    ...(start(0) as StartEvent),
    total_steps,
    of_run: { before: ((fold ?? 6) - 1) * 20, total: 100 + (fold === undefined ? total_steps : 25) },
    ...(fold === undefined ? {} : { fold }),
  });
  const given = () => storeWith(snapshotOf('a', [], { record: record('a', { folds, total_steps: 125 }) })).store;

  test('shows the fold at work alone, and counts its steps after those of the folds before', () => {
    const store = given();
    const run = store.focused!;
    const one = [begin(1), step(1), step(2), evaluation(2, 0.5, true)].map((event) => ({ ...event, fold: 1 }));
    store.apply({ type: 'events', run: 'a', events: one });
    expect([run.fold, run.record.step, run.steps.length, run.evals.length]).toEqual([1, 2, 2, 1]);
    // What one fold came to is not what the run came to.
    expect(run.record.best).toBeNull();
    store.apply({ type: 'events', run: 'a', events: [begin(3)] });
    expect([run.fold, run.steps.length, run.evals.length, stepOf(run)]).toEqual([3, 0, 0, 40]);
    store.apply({ type: 'events', run: 'a', events: [{ ...step(4), fold: 3 }] });
    expect([run.record.step, run.record.total_steps, run.eta_s]).toEqual([44, 125, 5]);
    store.apply({ type: 'events', run: 'a', events: [begin(undefined, 26), step(1)] });
    expect([run.fold, run.record.step, run.record.total_steps]).toEqual([undefined, 101, 126]);
    expect(run.log.map(({ text }) => text.slice(0, 8))).toEqual(['Fold 1: ', 'Fold 1: ', 'Fold 3: ', 'Started:']);
  });

  test('of a snapshot the steps are those of the last training that its events tell of', () => {
    const events = [begin(1), { ...evaluation(2, 0.5, true), fold: 1 }, begin(2)];
    const { store } = storeWith(
      snapshotOf('a', [step(1), step(2), step(3)], {
        record: record('a', { folds, total_steps: 125, step: 20 }),
        events,
      }),
    );
    const run = store.focused!;
    expect([run.fold, run.steps.length, run.evals, stepOf(run)]).toEqual([2, 3, [], 23]);
  });

  test('resumed within a fold it keeps what that fold had before', () => {
    const store = given();
    const fold = 2;
    const events = [begin(fold), ...[1, 2, 3].map((n) => ({ ...step(n), fold })), { ...begin(fold), step: 2 }];
    store.apply({ type: 'events', run: 'a', events: [...events, { ...step(3, 9), fold }] });
    expect([...store.focused!.steps.column('loss')]).toEqual([1, 0.5, 9]);
    expect(stepOf(store.focused!)).toBe(23);
  });
});
