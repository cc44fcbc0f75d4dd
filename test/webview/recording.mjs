// Messages as the extension host sends them: of a real run's folder, or made with a seed.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const COLUMNS = [
  'step',
  'time',
  'epoch',
  'loss',
  'learning_rate',
  'grad_norm',
  'tokens_per_second',
  'step_ms',
  'rss_bytes',
];

const columnsOf = (/** @type {any[]} */ steps) =>
  Object.fromEntries(COLUMNS.map((name) => [name, steps.map((step) => step[name])]));

/**
 * A snapshot whose columns are plain arrays: openWebview's `send` makes typed arrays of them.
 * @typedef {Omit<import('../../src/protocol/dashboard-page.ts').RunSnapshot, 'steps'> & { steps: Record<string, number[]> }}
 *   RecordedRun
 * @typedef {import('../../src/protocol/events.ts').RunEvent} RunEvent
 */

/**
 * A comparison's file as record-comparisons.mjs wrote it down.
 * @param {string} name
 * @returns {import('../../src/protocol/comparison.ts').Comparison}
 */
export const recordedComparison = (name) =>
  JSON.parse(readFileSync(new URL(`figures/${name}.json`, import.meta.url), 'utf8')).comparison;

/** A recorded comparison in which one candidate would have failed, one come to no result, and one not fitted. */
export const failedComparison = () => {
  const comparison = recordedComparison('ways-done');
  /** @type {Record<string, object>} */
  const others = {
    full: { state: 'failed', reason: 'The loss is no longer a number at step 12. Lower learning_rate.' },
    'few-shot': {
      state: 'left-out',
      reason:
        'It came to no result within its share of the time (40 seconds), before its first step. With a larger time budget it would get a larger share.',
    },
    freeze: { state: 'left-out', run: null, reason: 'It would need about 3 GB of memory, but only 2 GB are free.' },
  };
  const candidates = comparison.candidates.map((candidate) =>
    candidate.strategy in others ? { ...candidate, result: null, ...others[candidate.strategy] } : candidate,
  );
  return { ...comparison, candidates };
};

/**
 * The snapshot of a run's folder.
 * @param {string} folder
 * @returns {RecordedRun}
 */
export const fromFolder = (folder) => {
  const record = JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8'));
  const events = readFileSync(path.join(folder, 'metrics.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const evaluation = path.join(folder, 'evaluation.json');
  const reports = existsSync(evaluation) ? Object.values(JSON.parse(readFileSync(evaluation, 'utf8'))) : [];
  return {
    record,
    steps: columnsOf(events.filter((event) => event.event === 'step')),
    events: events.filter((event) => event.event !== 'step'),
    reports: reports.flat().filter((report) => report?.confusion),
    evaluations: [],
    report_problems: [],
    completions: null,
    learned_files: false,
    model_folder: record.model ? path.join(folder, record.model) : null,
    has_onnx: false,
    read_only: null,
    queue_position: null,
  };
};

/**
 * A run of the starter as test/diagnosis/record.mjs wrote it down.
 * @param {string} name
 * @returns {RecordedRun}
 */
export const recordedRun = (name) => {
  const file = new URL(`../diagnosis/figures/${name}.json`, import.meta.url);
  const { record, steps, events, reports } = JSON.parse(readFileSync(file, 'utf8'));
  // Of several trainings the last one is shown.
  const { fold, ...all } = steps;
  const isShown = (/** @type {unknown} */ _, /** @type {number} */ i) => fold[i] === fold.at(-1);
  const columns = Object.fromEntries(
    Object.entries(all).map(([name, values]) => [name, /** @type {number[]} */ (values).filter(isShown)]),
  );
  return {
    ...{ record, steps: columns, events, reports },
    ...{ evaluations: [], report_problems: [], completions: null, learned_files: false },
    ...{ has_onnx: false, read_only: null, queue_position: null },
    model_folder: record.model ? `/home/ada/shop/.luthier/runs/${name}/model` : null,
  };
};

/** mulberry32: small, seeded, good enough to draw with. */
const random = (/** @type {number} */ seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

const LABELS = ['account', 'billing', 'bug_report', 'feature_request', 'praise', 'refund', 'shipping'];
const TEXTS = [
  'Rounding: 0.125 shows as 0.13 in the table and 0.12 in the sum underneath.',
  'PayPal keeps being charged even though I entered a card months ago.',
  "The shoes don't fit, I've sent them back two weeks ago and my account hasn't been credited yet.",
  'Please think about a limit to how many mails you send a day; one digest would be plenty.',
  'Where is it?',
  'I love the new export, but it put every order into the wrong month, so I had to do it all again by hand before the audit.',
];
/** @type {import('../../src/protocol/recipe.ts').Recipe} */
const RECIPE = {
  version: 2,
  task: 'text-classification',
  model: 'starters/bert',
  dataset: 'examples/tickets.csv',
  columns: { text: 'text', label: 'intent' },
  strategy: { type: 'full' },
  learning_rate: 2e-5,
  num_train_epochs: 3,
  max_steps: 0,
  per_device_train_batch_size: 16,
  per_device_eval_batch_size: 32,
  gradient_accumulation_steps: 1,
  weight_decay: 0.01,
  adam_beta1: 0.9,
  adam_beta2: 0.999,
  adam_epsilon: 1e-8,
  max_grad_norm: 1,
  warmup_steps: 0.06,
  lr_scheduler_type: 'linear',
  label_smoothing_factor: 0,
  max_length: 128,
  seed: 42,
  validation_split: 0.1,
  eval_steps: 0,
  save_steps: 0,
  save_total_limit: 2,
  logging_steps: 1,
  metric_for_best_model: 'f1_macro',
  early_stopping_patience: 0,
  backend: 'auto',
  keep_checkpoints: false,
};

/**
 * A made run.
 * @param {{ id?: string, name?: string, note?: string, seed?: number, total?: number, done?: number,
 *   state?: import('../../src/protocol/states.ts').RunState, classes?: number,
 *   recipe?: Partial<import('../../src/protocol/recipe.ts').Recipe>, evaluations?: number, queue_position?: number | null, read_only?: string | null, error?: import('../../src/protocol/errors.ts').ErrorData | null }} options
 * @returns {RecordedRun}
 */
export const madeRun = (options = {}) => {
  const { id = 'run-1', seed = 1, total = 900, done = total, state = 'done', classes = LABELS.length } = options;
  const { recipe = {}, evaluations = 9, queue_position = null, read_only = null, error = null } = options;
  const next = random(seed);
  const noise = () => next() + next() + next() - 1.5;
  const labels =
    classes <= LABELS.length ? LABELS.slice(0, classes) : Array.from({ length: classes }, (_, i) => `intent_${i + 1}`);
  const start = 1_780_000_000;
  const rate = (recipe.learning_rate ?? RECIPE.learning_rate) * 1;
  const steps = [];
  /** @type {RunEvent[]} */
  const events = [
    { event: 'state', time: start, state: 'starting' },
    {
      event: 'note',
      time: start + 1,
      level: 'info',
      message: 'Columns were guessed: text from “text”, label from “intent”.',
    },
    {
      event: 'start',
      time: start + 4,
      run: id,
      total_steps: total,
      step: 0,
      num_train_rows: 4800,
      num_validation_rows: 533,
      labels,
      num_parameters: 11_172_871,
      num_trainable_parameters: 11_172_871,
      executor: 'onnxruntime',
      num_threads: 2,
    },
    { event: 'state', time: start + 4, state: 'running' },
    {
      event: 'note',
      time: start + 4,
      level: 'warning',
      message: '18 of 1000 texts (1.8 %) are longer than 128 tokens (max_length) and will be cut.',
    },
  ];
  /** @type {{ step: number, metrics: Record<import('../../src/protocol/evaluation.ts').ClassificationMetric, number> } | null} */
  let best = null;
  for (let step = 1; step <= done; step++) {
    const t = step / total;
    const floor = Math.log(labels.length) * (0.07 + 0.93 * Math.exp(-6 * t * (rate / 2e-5) ** 0.5));
    const time = start + 4 + step * 0.32;
    steps.push({
      step,
      time,
      epoch: 3 * t,
      loss: Math.max(0.004, floor * (1 + 0.28 * noise())),
      learning_rate: t < 0.06 ? (rate * t) / 0.06 : (rate * (1 - t)) / 0.94,
      grad_norm: Math.max(0.05, (1.2 + 5 * Math.exp(-5 * t)) * (1 + 0.5 * noise())),
      tokens_per_second: 3950 * (1 + 0.06 * noise()) * (step < 4 ? 0.3 : 1),
      step_ms: 320 * (1 + 0.06 * noise()),
      rss_bytes: 1.31e9 + 4e7 * Math.min(1, step / 40) + 2e6 * noise(),
    });
    const every = Math.max(1, Math.round(total / evaluations));
    if (step % every === 0 || step === total) {
      const f1 = Math.min(0.995, 0.42 + 0.5 * (1 - Math.exp(-5 * t)) + 0.012 * noise());
      const metrics = {
        loss: floor * 1.08 + 0.06 * t + 0.01 * noise(),
        accuracy: Math.min(0.998, f1 + 0.018),
        f1_macro: f1,
        f1_weighted: f1 + 0.01,
        mcc: f1 - 0.03,
        ece: 0.03,
      };
      const isBest = best === null || f1 > best.metrics.f1_macro;
      if (isBest) best = { step, metrics };
      events.push({ event: 'eval', time, step, epoch: 3 * t, split: 'validation', metrics, n: 533, best: isBest });
      if (step % (3 * every) === 0)
        events.push({
          event: 'checkpoint',
          time,
          step,
          path: `checkpoints/${step}`,
          bytes: 134_100_000,
          reason: 'epoch',
        });
    }
  }
  const ended = ['done', 'stopped'].includes(state);
  const last = start + 4 + done * 0.32;
  if (ended)
    events.push({
      event: 'done',
      time: last + 2,
      run: id,
      model: 'model',
      metrics: best?.metrics ?? {},
      best_step: best?.step ?? done,
      step: done,
      stopped_early: state === 'stopped',
      wall_s: done * 0.32 + 6,
      time_to_first_step_s: 4,
      peak_rss_bytes: 1.36e9,
    });
  if (!['running', 'starting'].includes(state)) events.push({ event: 'state', time: last + 2, state });
  if (error) events.push({ event: 'error', time: last + 2, ...error });
  return {
    record: {
      format: 1,
      id,
      name: options.name ?? 'tickets · bert · 1',
      note: options.note ?? '',
      state,
      recipe: { ...RECIPE, ...recipe },
      recipe_path: null,
      created_at: new Date(start * 1000).toISOString(),
      started_at: new Date(start * 1000).toISOString(),
      finished_at: ended ? new Date((last + 2) * 1000).toISOString() : null,
      step: done,
      total_steps: total,
      labels,
      best,
      model: ended ? 'model' : null,
      error,
      environment: {
        luthier: '0.1.0',
        node: '20.20.0',
        cpu: '',
        platform: 'linux-x64',
        executor: 'onnxruntime',
        num_threads: 2,
      },
    },
    steps: columnsOf(steps),
    events,
    reports: ended ? [report(labels, next)] : [],
    evaluations: [],
    report_problems: [],
    completions: null,
    learned_files: false,
    model_folder: ended ? '/home/ada/shop/.luthier/runs/tickets-1/model' : null,
    has_onnx: false,
    read_only,
    queue_position,
  };
};

/**
 * A made cross-validation: at work in its third fold, or done with the model of all rows.
 * @param {{ state?: 'running' | 'done', final?: boolean } & Parameters<typeof madeRun>[0]} options
 */
export const madeFolds = (options = {}) => {
  const { state = 'running', final = true, total = 300 } = options;
  const isDone = state === 'done';
  const run = madeRun({ ...options, total, done: isDone ? total : Math.round(0.6 * total), state });
  const whole = isDone ? run : madeRun({ ...options, total, state: 'done' });
  const next = random(3);
  const results = Array.from({ length: isDone ? 5 : 2 }, (_, i) => {
    const f1 = 0.83 + 0.12 * (next() - 0.5);
    /** @type {Record<string, number>} */
    const metrics = {
      loss: 1.3 - f1,
      accuracy: f1 + 0.01,
      f1_macro: f1,
      f1_weighted: f1 + 0.004,
      mcc: f1 - 0.02,
      ece: 0.03,
    };
    return { fold: i + 1, metrics, n: i === 1 ? 107 : 106, steps: total };
  });
  const over = (/** @type {(values: number[]) => number} */ of) =>
    Object.fromEntries(Object.keys(results[0].metrics).map((key) => [key, of(results.map((r) => r.metrics[key]))]));
  const mean = (/** @type {number[]} */ values) => values.reduce((a, b) => a + b, 0) / values.length;
  const spread = (/** @type {number[]} */ values) =>
    Math.sqrt(values.reduce((s, x) => s + (x - mean(values)) ** 2, 0) / (values.length - 1));
  const fold = isDone && final ? undefined : isDone ? 5 : 3;
  const best = { step: 0, metrics: over(mean) };
  const all = 5 * total + (final ? Math.ceil(1.25 * total) : 0);
  return {
    ...run,
    record: {
      ...run.record,
      folds: { count: 5, final, results, deviations: over(spread) },
      best,
      step: isDone ? all : 2 * total + run.record.step,
      total_steps: all,
      model: isDone && final ? 'model' : null,
    },
    // The model of all rows has none that it could be measured on.
    events: run.events
      .filter(({ event }) => fold !== undefined || event !== 'eval')
      .map((event) =>
        event.event === 'start'
          ? {
              ...event,
              of_run: { before: results.length * total, total: all },
              ...(fold === undefined && { num_validation_rows: 0 }),
            }
          : event,
      )
      .map((event) =>
        event.event === 'done'
          ? { ...event, metrics: best.metrics, folds: results, model: final ? 'model' : '' }
          : event.event === 'state' || fold === undefined
            ? event
            : { ...event, fold },
      ),
    reports: whole.reports.map((report) => ({ ...report, folds: results.length })),
    model_folder: isDone && final ? run.model_folder : null,
  };
};

/**
 * @param {string[]} labels
 * @param {() => number} next
 * @returns {import('../../src/protocol/evaluation.ts').ClassificationReport}
 */
const report = (labels, next) => {
  const support = labels.map(() => 40 + Math.round(60 * next()));
  const confusion = labels.map((_, i) => {
    const row = labels.map(() => (next() < Math.min(0.5, 4 / labels.length) ? Math.round(5 * next()) : 0));
    row[i] = 0;
    row[i] = Math.max(3, support[i] - row.reduce((a, b) => a + b, 0));
    return row;
  });
  const n = confusion.flat().reduce((a, b) => a + b, 0);
  const columns = labels.map((_, j) => confusion.reduce((sum, row) => sum + row[j], 0));
  const rows = confusion.map((row) => row.reduce((a, b) => a + b, 0));
  const per_class = labels.map((label, i) => {
    const precision = confusion[i][i] / columns[i];
    const recall = confusion[i][i] / rows[i];
    return { label, precision, recall, f1: (2 * precision * recall) / (precision + recall), support: rows[i] };
  });
  const accuracy = confusion.reduce((sum, row, i) => sum + row[i], 0) / n;
  const f1 = per_class.reduce((sum, c) => sum + c.f1, 0) / labels.length;
  return {
    task: 'text-classification',
    split: 'validation',
    n,
    labels,
    metrics: { loss: 0.213, accuracy, f1_macro: f1, f1_weighted: f1 + 0.004, mcc: accuracy - 0.02, ece: 0.021 },
    intervals: {
      loss: null,
      accuracy: { low: accuracy - 0.021, high: accuracy + 0.017 },
      f1_macro: { low: f1 - 0.026, high: f1 + 0.021 },
      f1_weighted: null,
      mcc: null,
      ece: null,
    },
    majority: { label: labels[0], accuracy: Math.max(...rows) / n, f1_macro: 0.05 },
    per_class,
    confusion,
    worst: rowsFor(labels, next, 12),
  };
};

/**
 * @param {string[]} labels
 * @param {() => number} next
 * @param {number} n
 */
const rowsFor = (labels, next, n) =>
  Array.from({ length: n }, (_, i) => ({
    line: 12 + 97 * i,
    file: 'examples/tickets.csv',
    text: TEXTS[i % TEXTS.length],
    label: labels[i % labels.length],
    predicted: labels[(i * 3 + 1) % labels.length],
    score: 0.97 - 0.03 * i * next(),
    loss: 4.6 - 0.25 * i,
  }));

/**
 * The answer to a `cell` request.
 * @param {any} request
 */
export const cellRows = (request, labels = LABELS) => ({
  ...request,
  type: 'cell',
  rows: rowsFor(labels, random(5), 3).map((row) => ({ ...row, label: request.actual, predicted: request.predicted })),
  total: 3,
});

/** Sentences of a made report on tags: words with their spans, [type, first word, end], and a loss. */
const TAGGED = [
  [
    88,
    'Hana Costa from Orbit Labs called from New York .',
    [
      ['PER', 0, 2],
      ['ORG', 3, 5],
      ['LOC', 7, 9],
    ],
    [
      ['PER', 0, 2],
      ['ORG', 3, 4],
      ['LOC', 7, 9],
    ],
    2.41,
  ],
  [
    214,
    'Please forward it to Washington before he leaves for Jordan .',
    [
      ['PER', 4, 5],
      ['LOC', 9, 10],
    ],
    [
      ['LOC', 4, 5],
      ['PER', 9, 10],
    ],
    1.97,
  ],
  [31, 'The Spring catalogue is out .', [], [['MISC', 1, 2]], 1.2],
  [
    502,
    'Björn Ångström-Østergaard , who had been with the Copenhagen office of Larsen , Holm & Partners since it was opened in the autumn of that year , is moving to Rio de Janeiro together with his whole team , as was said yesterday .',
    [
      ['PER', 0, 2],
      ['LOC', 8, 9],
      ['ORG', 11, 16],
      ['LOC', 30, 33],
    ],
    [
      ['PER', 0, 2],
      ['ORG', 8, 13],
      ['LOC', 30, 33],
    ],
    0.84,
  ],
];

/**
 * A made run, done, of something else than classes, with its evaluation.
 * @param {string} name
 * @param {object} recipe
 * @param {any} report
 * @returns {RecordedRun}
 */
const madeWith = (name, recipe, report) => {
  const run = madeRun({ name, recipe });
  const { labels, metrics } = report;
  return {
    ...run,
    record: { ...run.record, labels, best: { step: 800, metrics } },
    events: run.events
      .filter(({ event }) => event !== 'eval')
      .map((event) => (event.event === 'done' ? { ...event, metrics } : event))
      .map((event) => (event.event === 'start' ? { ...event, labels, num_validation_rows: report.n } : event)),
    reports: [report],
  };
};

const around = (/** @type {number} */ value, /** @type {number} */ by) => ({ low: value - by, high: value + by });

/** A made run of a classifier of several labels. */
export const madeLabelsRun = () => {
  const metrics = { accuracy: 0.713, f1_macro: 0.802, f1_micro: 0.838, precision: 0.851, recall: 0.826, loss: 0.201 };
  const of = (
    /** @type {string} */ label,
    /** @type {number[]} */ [precision, recall, f1, support, right, predicted],
  ) => ({
    ...{ label, precision, recall, f1, support, right, predicted },
    f1_interval: f1 === null ? null : around(/** @type {number} */ (f1), 0.06),
  });
  const row = { file: 'examples/feedback.jsonl' };
  const recipe = {
    dataset: 'examples/feedback.jsonl',
    problem_type: 'multi_label_classification',
    metric_for_best_model: 'f1_micro',
  };
  return madeWith('feedback · bert · 1', recipe, {
    ...{ task: 'multi_label_classification', split: 'validation', n: 240, metrics, threshold: 0.412, tuned: true },
    labels: ['delivery', 'packaging', 'price', 'quality', 'support'],
    intervals: Object.fromEntries(Object.entries(metrics).map(([key, value]) => [key, around(value, 0.03)])),
    per_class: [
      of('delivery', [0.912, 0.88, 0.896, 92, 81, 89]),
      of('packaging', /** @type {any} */ ([0, null, null, 0, 0, 2])),
      of('price', [0.79, 0.755, 0.772, 49, 37, 47]),
      of('quality', [0.853, 0.841, 0.847, 88, 74, 87]),
      of('support', [0.7, 0.69, 0.695, 29, 20, 29]),
    ],
    worst: [
      {
        ...row,
        line: 30,
        text: 'Late, scratched, and the refund form on the website does not work.',
        labels: ['delivery', 'quality', 'support'],
        predicted: ['delivery', 'price'],
        loss: 1.93,
      },
      { ...row, line: 24, text: 'All fine, thank you.', labels: [], predicted: ['support'], loss: 1.21 },
      {
        ...row,
        line: 38,
        text: 'The second replacement has the same fault as the first.',
        labels: ['quality', 'support'],
        predicted: ['quality'],
        loss: 0.88,
      },
    ],
  });
};

/** A made run of a regression. */
export const madeValuesRun = () => {
  const metrics = { pearson: 0.861, spearmanr: 0.843, mse: 0.612, loss: 0.612 };
  const row = { file: 'examples/feedback.jsonl' };
  /** @type {[number, number][]} */
  const points = Array.from({ length: 240 }, (_, i) => {
    const value = (i % 11) / 2;
    return [value, 0.5 + 0.82 * value + 1.3 * Math.sin(12.9898 * i) * Math.cos(78.233 * i)];
  });
  return madeWith(
    'stars · bert · 1',
    { dataset: 'examples/feedback.jsonl', problem_type: 'regression', metric_for_best_model: 'mse' },
    {
      ...{ task: 'regression', split: 'validation', n: 240, metrics, labels: ['LABEL_0'] },
      intervals: {
        pearson: around(0.861, 0.03),
        spearmanr: around(0.843, 0.04),
        mse: around(0.612, 0.11),
        loss: around(0.612, 0.11),
      },
      mean: { value: 2.61, mse: 2.34 },
      points,
      worst: [
        { ...row, line: 22, text: 'Second one I own.', value: 3, predicted: 4.86 },
        {
          ...row,
          line: 46,
          text: 'It rattled; they explained on the phone which screw to tighten.',
          value: 3,
          predicted: 1.42,
        },
      ],
    },
  );
};

/**
 * A made run of a token classifier, done, with its evaluation.
 * @param {{ none?: boolean }} options none: no error at all
 * @returns {RecordedRun}
 */
export const madeTagRun = ({ none = false } = {}) => {
  const run = madeRun({
    name: 'names · bert · 1',
    recipe: { task: 'token-classification', dataset: 'examples/names.conll', metric_for_best_model: 'f1' },
  });
  const metrics = { f1: 0.884, precision: 0.871, recall: 0.897, accuracy: 0.963, loss: 0.142 };
  const best = { step: 800, metrics };
  const spans = (/** @type {string[]} */ words, /** @type {[string, number, number][]} */ of) =>
    of.map(([type, first, end]) => {
      const start = words.slice(0, first).reduce((n, word) => n + word.length + 1, 0);
      return { type, start, end: start + words.slice(first, end).join(' ').length };
    });
  const errors = TAGGED.map(([line, text, gold, predicted, loss]) => {
    const words = /** @type {string} */ (text).split(' ');
    return {
      ...{ line: /** @type {number} */ (line), file: 'examples/names.conll', text: words.join(' ') },
      gold: spans(words, /** @type {[string, number, number][]} */ (gold)),
      predicted: spans(words, /** @type {[string, number, number][]} */ (predicted)),
      loss: /** @type {number} */ (loss),
    };
  });
  /** @type {import('../../src/protocol/evaluation.ts').TagReport} */
  const report = {
    ...{ task: 'token-classification', split: 'validation', n: 240, metrics },
    labels: ['O', 'B-LOC', 'I-LOC', 'B-MISC', 'I-MISC', 'B-ORG', 'I-ORG', 'B-PER', 'I-PER'],
    intervals: {
      ...{ f1: around(0.884, 0.021), precision: around(0.871, 0.024), recall: around(0.897, 0.022) },
      ...{ accuracy: around(0.963, 0.008), loss: around(0.142, 0.03) },
    },
    counts: { words: 3120, correct: 3005, loss: 443, read: 3120, right: 392, gold: 437, predicted: 450 },
    per_class: [
      { label: 'LOC', precision: 0.94, recall: 0.931, f1: 0.935, support: 160, right: 149, predicted: 159 },
      { label: 'MISC', precision: 0, recall: null, f1: null, support: 0, right: 0, predicted: 3 },
      { label: 'ORG', precision: 0.79, recall: 0.821, f1: 0.805, support: 112, right: 92, predicted: 116 },
      { label: 'PER', precision: 0.878, recall: 0.915, f1: 0.896, support: 165, right: 151, predicted: 172 },
    ],
    mistakes: none
      ? []
      : [
          { actual: 'ORG', predicted: 'ORG', n: 14 },
          { actual: 'PER', predicted: 'LOC', n: 9 },
          { actual: 'LOC', predicted: null, n: 6 },
          { actual: null, predicted: 'MISC', n: 3 },
        ],
    errors: none ? [] : errors,
  };
  return {
    ...run,
    record: { ...run.record, labels: report.labels, best },
    events: run.events
      .filter(({ event }) => event !== 'eval')
      .map((event) => (event.event === 'done' ? { ...event, metrics } : event))
      .map((event) =>
        event.event === 'start' ? { ...event, labels: report.labels, num_validation_rows: 240 } : event,
      ),
    reports: [report],
  };
};

/**
 * A made run of a dialogue model, done, with its evaluation and its answers to validation rows.
 * @returns {RecordedRun}
 */
export const madeChatRun = () => {
  const run = madeRun({
    name: 'support · decoder · 1',
    recipe: { task: 'conversational', dataset: 'examples/support.jsonl', metric_for_best_model: 'perplexity' },
  });
  const metrics = { perplexity: 18.2, loss: 2.902 };
  const file = 'examples/support.jsonl';
  /** @param {string} answer */
  const pieces = (answer) =>
    answer.split(/(?= )/).map((text, i) => ({ text, loss: [0.4, 1.8, 3.6, 5.5, 8.1, 0.9][i % 6] ?? 0 }));
  const asked = { text: '<|im_start|>user\nWhere is my parcel?<|im_end|>\n<|im_start|>assistant\n', loss: null };
  /** @type {import('../../src/protocol/evaluation.ts').ChatReport} */
  const report = {
    ...{ task: 'conversational', split: 'validation', n: 40, metrics },
    intervals: { perplexity: { low: 14.9, high: 22.4 }, loss: { low: 2.7, high: 3.11 } },
    counts: { tokens: 1240, loss: 3598, bytes: 5100, text_loss: 3500 },
    spread: { from: 1.9, step: 0.2, rows: [1, 2, 5, 9, 11, 6, 3, 2, 0, 1] },
    worst: [
      'It left the depot this morning and comes before noon.',
      'Write to the shop; they keep it for nine days.',
    ].map((answer, i) => ({
      line: 12 + 30 * i,
      file,
      tokens: 14,
      loss: 4.1 - i / 3,
      pieces: [asked, ...pieces(answer)],
    })),
  };
  /** @param {number} step @param {string[]} answers */
  const samples = (step, answers) => ({
    ...{ event: /** @type {const} */ ('samples'), time: 1, step, epoch: step / 200 },
    samples: answers.map((answer, i) => ({
      ...{ file, line: 7 + i, answer, prompt: 'Can I pay by invoice?', reference: 'Yes, within thirty days.' },
    })),
  });
  return {
    ...run,
    record: { ...run.record, labels: [], best: { step: 800, metrics } },
    events: [
      ...run.events
        .filter(({ event }) => event !== 'eval')
        .map((event) =>
          event.event === 'done'
            ? { ...event, metrics, forgetting: { tokens: 612, before: 19.84, after: 21.37 } }
            : event,
        )
        .map((event) => (event.event === 'start' ? { ...event, labels: [] } : event)),
      samples(0, ['The invoice is a set of invoices that', 'You can use the following']),
      samples(800, ['Yes, you can pay within thirty days.', 'Yes.']),
    ],
    reports: [report],
  };
};

/**
 * A made run that learned a person's own files and what they accepted, measured: it is better, and has forgotten much.
 * @returns {RecordedRun}
 */
export const madeFilesRun = () => {
  const run = madeRun({
    name: 'my-update · decoder · 1',
    recipe: { task: 'text-generation', model: 'starters/decoder', dataset: 'my-update', metric_for_best_model: 'loss' },
  });
  const metrics = { perplexity: 24.6, loss: 3.203, bits_per_byte: 1.62 };
  /** @type {import('../../src/protocol/evaluation.ts').TextReport} */
  const report = {
    ...{ task: 'text-generation', split: 'validation', n: 14, metrics },
    intervals: {
      perplexity: { low: 20.1, high: 29.9 },
      loss: { low: 3, high: 3.4 },
      bits_per_byte: { low: 1.5, high: 1.74 },
    },
    counts: { tokens: 5210, loss: 16_690, bytes: 14_820, text_loss: 16_610 },
    spread: { from: 2.4, step: 0.2, rows: [1, 1, 3, 4, 2, 2, 0, 1] },
    worst: [],
  };
  const replay = { lines: 60, files: 12, characters: 2817, shown: 402 };
  return {
    ...run,
    record: { ...run.record, labels: [], best: { step: 800, metrics } },
    events: run.events
      .filter(({ event }) => event !== 'eval')
      .map((event) =>
        event.event === 'done'
          ? { ...event, metrics, forgetting: { tokens: 700, before: 152.4, after: 418.2 } }
          : event,
      )
      .map((event) => (event.event === 'start' ? { ...event, labels: [] } : event)),
    reports: [report],
    learned_files: true,
    completions: {
      ...{
        format: 1,
        created_at: '2026-11-27T08:00:00.000Z',
        base: 'starters/decoder',
        split: 'test',
        files: 14,
        seed: 42,
      },
      bits_per_byte: { base: 2.41, model: 1.62, interval: { low: 0.61, high: 0.97 } },
      replay: {
        base: { ...replay, saved: 118, accepted: 21, interval: { low: 0.021, high: 0.067 } },
        model: { ...replay, shown: 388, saved: 534, accepted: 74, interval: { low: 0.142, high: 0.238 } },
      },
      accepted: { rows: 9, bits_per_byte: { base: 2.34, model: 1.23, interval: { low: 0.5, high: 1.6 } } },
      forgetting: { tokens: 700, before: 152.4, after: 418.2 },
    },
  };
};

/**
 * Rows of the runs table: searches over recipes, with runs of every state.
 * @param {number} n
 * @returns {import('../../src/protocol/run-row.ts').RunRow[]}
 */
export const madeRows = (n) => {
  const next = random(7);
  /** @template T @param {readonly T[]} list */
  const pick = (list) => /** @type {T} */ (list[Math.floor(next() * list.length)]);
  return Array.from({ length: n }, (_, i) => {
    const strategy = pick(['full', 'lora', 'freeze', 'head']);
    const learning_rate = pick([1e-5, 2e-5, 5e-5, 1e-4]);
    const model = pick(['starters/bert', 'models/minilm', 'bert-base-uncased']);
    const accuracy = 0.62 + 0.06 * ['head', 'freeze', 'lora', 'full'].indexOf(strategy) + 0.1 * next();
    const state = /** @type {import('../../src/protocol/states.ts').RunState} */ (
      { 0: 'running', 1: 'queued', 5: 'failed', 9: 'interrupted', 12: 'stopped', 17: 'cancelled' }[i] ?? 'done'
    );
    const isMeasured = state === 'done' || state === 'stopped' || state === 'running';
    return {
      run: `/home/ada/tickets/.luthier/runs/run-${i}`,
      name: `tickets · ${model.split('/').at(-1)} · ${i + 1}`,
      note: i === 3 ? 'With the labels that were cleaned.' : '',
      tags: i % 9 === 3 ? ['baseline'] : i % 7 === 4 ? ['cleaned labels', 'search 2'] : [],
      ...{ state, silent: false, problem: i === 21 ? 'This run cannot be read: its run.json is not JSON.' : null },
      error: state === 'failed' ? 'tickets.csv, line 12: the label is empty.' : null,
      task: /** @type {const} */ ('text-classification'),
      ...{ model, dataset: 'tickets.csv', data: '"/home/ada/tickets/tickets.csv"', strategy },
      created_at: new Date(Date.UTC(2026, 10, 27, 8) - i * 5_400_000).toISOString(),
      seconds: state === 'queued' ? null : Math.round(20 + 400 * next()),
      progress: state === 'queued' ? null : state === 'running' ? 0.42 : state === 'interrupted' ? 0.77 : 1,
      folds: i % 11 === 8 ? 5 : null,
      seeds: null,
      metrics: isMeasured
        ? { accuracy, f1_macro: accuracy - 0.02, loss: 1.1 - accuracy, ece: 0.04 + 0.03 * next() }
        : {},
      main: isMeasured ? /** @type {const} */ ('f1_macro') : null,
      measured: isMeasured
        ? {
            n: 120,
            intervals: {
              accuracy: { low: accuracy - 0.08, high: accuracy + 0.07 },
              f1_macro: { low: accuracy - 0.1, high: accuracy + 0.06 },
              loss: null,
            },
          }
        : null,
      rows: state === 'queued' ? null : pick([240, 640, 1080]),
      recipe: {
        learning_rate,
        num_train_epochs: pick([1, 2, 3, 5]),
        per_device_train_batch_size: pick([8, 16, 32]),
        weight_decay: 0.01,
        seed: 42,
        ...(strategy === 'lora' ? { 'strategy.r': pick([4, 8, 16]), 'strategy.lora_alpha': 16 } : {}),
      },
    };
  });
};
