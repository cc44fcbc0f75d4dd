import { describe, expect, test } from 'vitest';
import { StepBuffer } from './steps.ts';
import {
  type DashboardMessage,
  type DashboardRequest,
  parseDashboardMessage,
  parseDashboardRequest,
  parseDashboardState,
  parseRunEvent,
  parseTryoutMessage,
  parseTryoutRequest,
  RUN_ACTIONS,
} from './webview.ts';

const reason = (result: { ok: boolean; reason?: string }): string | undefined =>
  result.ok ? undefined : result.reason;

describe('requests from the dashboard', () => {
  const good: DashboardRequest[] = [
    { type: 'ready' },
    ...RUN_ACTIONS.map((action) => ({ type: 'action', action, run: 'r' }) as const),
    { type: 'cell', run: 'r', split: 'validation', actual: 'a', predicted: 'b' },
    { type: 'openRow', run: 'r', file: 'x.csv', line: 3 },
    { type: 'chooseRuns' },
    { type: 'removeRun', run: 'r' },
    { type: 'copyText', text: '' },
    { type: 'savePicture', name: 'loss.png', png: Uint8Array.of(1) },
    { type: 'saveText', name: 'loss.csv', text: 'a' },
    { type: 'log', level: 'error', message: 'm' },
  ];
  test.each(good)('$type passes', (request) => {
    expect(parseDashboardRequest(request)).toEqual({ ok: true, message: request });
  });

  test.each([
    [undefined, 'message is missing, not an object'],
    ['ready', 'message is a string, not an object'],
    [{}, 'message.type is missing'],
    [{ type: 'format' }, 'message.type is "format", unknown'],
    [{ type: 'constructor' }, 'message.type is "constructor", unknown'],
    [{ type: 'action', action: 'delete', run: 'r' }, /message.action is not one of pause, resume/],
    [{ type: 'action', action: 'stop' }, 'message.run is missing, not a string'],
    [{ type: 'openRow', run: 'r', file: 'x', line: -1 }, 'message.line is not a whole number of 0 or more'],
    [{ type: 'openRow', run: 'r', file: 'x', line: 1.5 }, 'message.line is not a whole number of 0 or more'],
    [{ type: 'savePicture', name: 'x', png: [1] }, 'message.png is an array, not a Uint8Array'],
  ])('%j is dropped', (request, why) => {
    const said = reason(parseDashboardRequest(request));
    if (typeof why === 'string') expect(said).toBe(why);
    else expect(said).toMatch(why);
  });
});

describe('messages to the dashboard', () => {
  const record = {
    id: 'r',
    name: 'Run',
    note: '',
    state: 'running',
    recipe: {},
    step: 0,
    total_steps: 1,
    labels: [],
    best: null,
    error: null,
  };
  const run = {
    record,
    steps: new StepBuffer().toColumns(),
    events: [],
    reports: [],
    evaluations: [],
    report_problems: [],
    completions: null,
    learned_files: false,
    model_folder: null,
    has_onnx: false,
    read_only: null,
    queue_position: null,
  };

  test('a snapshot passes; one with a broken run says which and where', () => {
    expect(parseDashboardMessage({ type: 'snapshot', runs: [run], focus: 'r' }).ok).toBe(true);
    const broken = { ...run, record: { ...record, best: { step: 1, metrics: { loss: 'x' } } } };
    expect(reason(parseDashboardMessage({ type: 'snapshot', runs: [run, broken], focus: 'r' }))).toBe(
      'message.runs[1].record.best.metrics.loss is not a finite number',
    );
  });

  test('step columns must be typed arrays, all of them', () => {
    const { loss: _, ...rest } = run.steps;
    expect(reason(parseDashboardMessage({ type: 'steps', run: 'r', steps: rest }))).toBe(
      'message.steps.loss is missing, not a Float64Array',
    );
  });

  test('a failure passes', () => {
    const message: DashboardMessage = {
      type: 'failed',
      request: 'action',
      run: null,
      error: { code: 'run-busy', message: 'm' },
    };
    expect(parseDashboardMessage(message)).toEqual({ ok: true, message });
  });
});

test('events are checked one by one', () => {
  expect(parseRunEvent({ event: 'note', time: 1, level: 'info', message: 'm' }).ok).toBe(true);
  expect(reason(parseRunEvent({ event: 'note', time: 1, level: 'loud', message: 'm' }))).toBe(
    'message.level is not one of info, warning, error',
  );
});

test('try model', () => {
  const texts = [{ text: 'a' }, { text: 'a', text_pair: 'b' }];
  expect(parseTryoutRequest({ type: 'predict', id: 1, texts, compare: false }).ok).toBe(true);
  expect(reason(parseTryoutRequest({ type: 'predict', id: 1, texts: 'a', compare: false }))).toBe(
    'message.texts is a string, not an array',
  );
  const prediction = { text: 'a', label: 'x', score: 1, scores: { x: 1 } };
  expect(parseTryoutMessage({ type: 'predictions', id: 1, tuned: [prediction], base: null, ms: 3 }).ok).toBe(true);
  expect(
    reason(
      parseTryoutMessage({ type: 'predictions', id: 1, tuned: [{ ...prediction, scores: null }], base: null, ms: 3 }),
    ),
  ).toBe('message.tuned[0].scores is null, not an object');
});

test('the kept state of another version is not taken', () => {
  expect(parseDashboardState({ version: 1, runs: ['a'], view: {} }).ok).toBe(true);
  expect(parseDashboardState({ version: 2, runs: ['a'], view: {} }).ok).toBe(false);
  expect(parseDashboardState(undefined).ok).toBe(false);
});

describe('StepBuffer', () => {
  const row = (step: number, loss = step) => ({
    step,
    time: 0,
    epoch: 0,
    loss,
    learning_rate: 0,
    grad_norm: 0,
    tokens_per_second: 0,
    step_ms: 0,
    rss_bytes: 0,
  });

  test('grows, and copies what it hands out', () => {
    const buffer = new StepBuffer(2);
    for (let n = 1; n <= 5; n++) buffer.append(row(n));
    const columns = buffer.toColumns(3);
    buffer.append(row(3, 33));
    expect([...columns.step]).toEqual([4, 5]);
    expect([...buffer.column('loss')]).toEqual([1, 2, 33]);
    expect(buffer.generation).toBe(1);
  });

  test('columns of unequal length lose the surplus, not their alignment', () => {
    const more = new StepBuffer();
    more.append(row(1));
    more.append(row(2));
    const buffer = new StepBuffer();
    buffer.appendColumns({ ...more.toColumns(), loss: Float64Array.of(7) });
    expect(buffer.length).toBe(1);
    expect(buffer.column('loss')[0]).toBe(7);
  });

  test('an overlapping block replaces from its first step on', () => {
    const buffer = new StepBuffer();
    for (let n = 1; n <= 5; n++) buffer.append(row(n));
    const again = new StepBuffer();
    again.append(row(4, 40));
    buffer.appendColumns(again.toColumns());
    expect([...buffer.column('loss')]).toEqual([1, 2, 3, 40]);
  });
});

test('an answer is a label with scores or entities, nothing between them', () => {
  const entity = { entity_group: 'PER', score: 0.9, word: 'Ana', start: 0, end: 3 };
  const of = (tuned: unknown) => parseTryoutMessage({ type: 'predictions', id: 1, tuned: [tuned], base: null, ms: 3 });
  expect(of({ text: 'Ana', entities: [entity] }).ok).toBe(true);
  expect(of({ text: 'Ana', entities: [{ ...entity, start: 'a' }] }).ok).toBe(false);
  expect(of({ text: 'Ana' }).ok).toBe(false);
});
