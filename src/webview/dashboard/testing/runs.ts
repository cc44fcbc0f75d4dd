// Runs for the tests beside this file.
import type { DashboardMessage, RunSnapshot } from '../../../protocol/dashboard-page.ts';
import type { StepEvent } from '../../../protocol/events.ts';
import type { RunRecord } from '../../../protocol/run.ts';
import { StepBuffer } from '../../../protocol/steps.ts';
import { RunStore } from '../store.ts';

export const step = (n: number, loss = 1 / n): StepEvent => ({
  event: 'step',
  time: 1000 + n,
  step: n,
  epoch: n / 10,
  loss,
  learning_rate: 1e-5,
  grad_norm: 1,
  tokens_per_second: 100,
  step_ms: 10,
  rss_bytes: 1e9,
  eta_s: 5,
});

export const record = (id: string, more: Partial<RunRecord> = {}): RunRecord =>
  ({
    format: 1,
    id,
    name: `Run ${id}`,
    note: '',
    state: 'running',
    recipe: { metric_for_best_model: 'f1_macro', learning_rate: 1e-5 },
    recipe_path: null,
    created_at: '',
    started_at: null,
    finished_at: null,
    step: 0,
    total_steps: 100,
    labels: ['a', 'b'],
    best: null,
    model: null,
    error: null,
    environment: null,
    ...more,
  }) as RunRecord;

export const snapshotOf = (id: string, steps: StepEvent[] = [], more: Partial<RunSnapshot> = {}): RunSnapshot => {
  const buffer = new StepBuffer();
  for (const row of steps) buffer.append(row);
  return {
    record: record(id),
    steps: buffer.toColumns(),
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
    ...more,
  };
};

export const storeWith = (...runs: RunSnapshot[]): { store: RunStore; dropped: string[] } => {
  const dropped: string[] = [];
  const store = new RunStore((reason) => dropped.push(reason));
  const message: DashboardMessage = { type: 'snapshot', runs, focus: runs[0]?.record.id ?? '' };
  store.apply(message);
  return { store, dropped };
};
