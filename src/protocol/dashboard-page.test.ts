import { describe, expect, test } from 'vitest';
import {
  type DashboardMessage,
  type DashboardRequest,
  parseDashboardMessage,
  parseDashboardRequest,
  parseDashboardState,
  RUN_ACTIONS,
} from './dashboard-page.ts';
import { StepBuffer } from './steps.ts';

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

test('the kept state of another version is not taken', () => {
  expect(parseDashboardState({ version: 1, runs: ['a'], view: {} }).ok).toBe(true);
  expect(parseDashboardState({ version: 2, runs: ['a'], view: {} }).ok).toBe(false);
  expect(parseDashboardState(undefined).ok).toBe(false);
});
