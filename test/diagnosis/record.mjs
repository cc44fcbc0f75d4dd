// node test/diagnosis/record.mjs [name…]: trains small runs of the starter, each of which goes wrong in one way or is of
// one kind, and writes what their folders say into figures/. Build first: node esbuild.mjs engine
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const examples = path.join(root, 'examples');

const lines = async (/** @type {string} */ name) =>
  (await readFile(path.join(examples, name), 'utf8')).split('\n').filter(Boolean);

/** Rows of tickets.csv that stand on one line. */
const [header, ...written] = await lines('tickets.csv');
const tickets = written.filter((line) => /^\d+,.*,[a-z_]+$/.test(line) && line.split('"').length % 2 === 1);
const labelOf = (/** @type {string} */ line) => line.slice(line.lastIndexOf(',') + 1);
const csv = (/** @type {string[]} */ rows) => `${[header, ...rows].join('\n')}\n`;

/** Two frequent classes and a rare one in training, more of it among the rows that are held out. */
function uneven(/** @type {number} */ rare) {
  const of = (/** @type {string} */ label) => tickets.filter((line) => labelOf(line) === label);
  const [a, b, c] = ['billing', 'bug_report', 'refund'].map(of);
  return {
    'train.csv': csv([...a.slice(0, 60), ...b.slice(0, 60), ...c.slice(0, rare)]),
    'validation.csv': csv([...a.slice(60, 80), ...b.slice(60, 80), ...c.slice(-20)]),
  };
}

/** Every twentieth label of the rows that are held out is another one. */
function mislabelled() {
  const labels = [...new Set(tickets.map(labelOf))].sort();
  const other = (/** @type {string} */ line) => {
    const label = labelOf(line);
    return `${line.slice(0, -label.length)}${labels[(labels.indexOf(label) + 1) % labels.length]}`;
  };
  const held = tickets.slice(0, 160).map((line, i) => (i % 20 === 7 ? other(line) : line));
  return { 'train.csv': csv(tickets.slice(160)), 'validation.csv': csv(held) };
}

const sentences = (await readFile(path.join(examples, 'names.conll'), 'utf8')).trim().split(/\n\n+/);

/** Few organisations in the training sentences, as many as usual among those that are held out. */
function rareType() {
  const withOne = sentences.filter((sentence) => sentence.includes('B-ORG'));
  const without = sentences.filter((sentence) => !sentence.includes('B-ORG'));
  const conll = (/** @type {string[]} */ some) => `${some.join('\n\n')}\n`;
  return {
    'train.conll': conll([...without.slice(0, 110), ...withOne.slice(0, 6)]),
    'validation.conll': conll([...without.slice(110, 140), ...withOne.slice(-30)]),
  };
}

/** A ticket as CSV has it: its number, its text with the quotes around it, its label. */
const partsOf = (/** @type {string} */ line) =>
  /** @type {[string, string, string]} */ (
    /** @type {RegExpExecArray} */ (/^(\d+),(.*),([a-z_]+)$/.exec(line)).slice(1)
  );

/** Topics of a ticket and what it is: one of the topics is rare in the training rows. */
function unevenLabels(/** @type {number} */ rare) {
  const of = (/** @type {string} */ label) => tickets.filter((line) => labelOf(line) === label);
  const rows = (/** @type {string[]} */ some) =>
    some
      .map((line) => {
        const [, text, label] = partsOf(line);
        const labels = [label, ...(text.includes('?') ? ['question'] : [])];
        return JSON.stringify({ text: text.replace(/^"|"$/g, '').replaceAll('""', '"'), labels });
      })
      .join('\n');
  const [a, b, c] = ['billing', 'bug_report', 'how_to'].map(of);
  return {
    'train.jsonl': rows([...a.slice(0, 60), ...b.slice(0, 60), ...c.slice(0, rare)]),
    'validation.jsonl': rows([...a.slice(60, 80), ...b.slice(60, 80), ...c.slice(-20)]),
  };
}

/** A number for each ticket: that of its words in tens, or one that its text does not tell. */
const numbered = (/** @type {number} */ n, /** @type {(id: string, text: string) => number} */ value) =>
  `text,value\n${tickets
    .slice(0, n)
    .map(partsOf)
    .map(([id, text]) => `${text},${value(id, text)}`)
    .join('\n')}\n`;

const parts = { dataset: { train: 'train.csv', validation: 'validation.csv' } };
const base = {
  version: 2,
  task: 'text-classification',
  model: 'starters/bert',
  dataset: 'rows.csv',
  max_length: 32,
  per_device_train_batch_size: 16,
  seed: 42,
};

const dialogues = {
  version: 2,
  task: 'conversational',
  model: 'starters/decoder',
  dataset: 'support.jsonl',
  strategy: { type: 'full' },
};
const some = (/** @type {number} */ n) => ({ 'rows.csv': csv(tickets.slice(0, n)) });
const promptTuning = { type: 'prompt-tuning', num_virtual_tokens: 20, prompt_tuning_init: 'RANDOM' };

/** @type {Record<string, { files?: Record<string, string>, recipe: object, args?: string[], fails?: boolean }>} */
const cases = {
  solved: {
    files: some(400),
    recipe: { ...base, validation_split: 0.3, strategy: { type: 'head', solver: 'lbfgs' } },
  },
  'few-shot': {
    files: some(128),
    recipe: {
      ...base,
      validation_split: 0.5,
      strategy: { type: 'few-shot', num_iterations: 4, batch_size: 16 },
    },
  },
  'prompt-tuning': {
    files: some(280),
    recipe: { ...base, validation_split: 0.3, strategy: promptTuning, learning_rate: 1e-3, num_train_epochs: 3 },
  },
  overfitting: {
    files: some(280),
    recipe: {
      ...base,
      validation_split: 0.3,
      learning_rate: 5e-4,
      num_train_epochs: 12,
      lr_scheduler_type: 'constant',
    },
  },
  diverged: {
    files: some(120),
    recipe: { ...base, validation_split: 0.3, learning_rate: 1e30, max_grad_norm: 1e30, num_train_epochs: 3 },
    fails: true,
  },
  'rate-too-high': {
    files: some(280),
    recipe: { ...base, validation_split: 0.3, learning_rate: 2e-2, num_train_epochs: 4 },
  },
  'rate-too-low': {
    files: some(280),
    recipe: { ...base, validation_split: 0.3, learning_rate: 1e-6, num_train_epochs: 4 },
  },
  'still-falling': {
    files: some(400),
    recipe: { ...base, validation_split: 0.3, learning_rate: 1e-4, num_train_epochs: 3 },
  },
  'few-rows-of-a-class': {
    files: uneven(6),
    recipe: { ...base, ...parts, learning_rate: 2e-4, num_train_epochs: 6 },
  },
  'wrong-labels': {
    files: mislabelled(),
    recipe: { ...base, ...parts, learning_rate: 2e-4, num_train_epochs: 6 },
  },
  'few-held-out': {
    files: some(60),
    recipe: { ...base, per_device_train_batch_size: 4, learning_rate: 2e-4, num_train_epochs: 3 },
  },
  tags: {
    recipe: { ...base, task: 'token-classification', dataset: 'names.conll', learning_rate: 3e-4, num_train_epochs: 2 },
  },
  labels: {
    recipe: {
      ...base,
      problem_type: 'multi_label_classification',
      dataset: 'feedback.jsonl',
      columns: { text: 'text', label: 'labels' },
      validation_split: 0.25,
      learning_rate: 5e-4,
      num_train_epochs: 4,
      per_device_train_batch_size: 8,
    },
  },
  values: {
    recipe: {
      ...base,
      problem_type: 'regression',
      dataset: 'feedback.jsonl',
      columns: { text: 'text', label: 'stars' },
      validation_split: 0.25,
      learning_rate: 5e-4,
      num_train_epochs: 4,
      per_device_train_batch_size: 8,
    },
  },
  'rare-type': {
    files: rareType(),
    recipe: {
      ...base,
      task: 'token-classification',
      dataset: { train: 'train.conll', validation: 'validation.conll' },
      learning_rate: 3e-4,
      num_train_epochs: 3,
    },
  },
  'rare-label': {
    files: unevenLabels(6),
    recipe: {
      ...base,
      problem_type: 'multi_label_classification',
      dataset: { train: 'train.jsonl', validation: 'validation.jsonl' },
      columns: { text: 'text', label: 'labels' },
      learning_rate: 5e-4,
      num_train_epochs: 6,
    },
  },
  'values-swinging': {
    files: { 'rows.csv': numbered(200, (_, text) => text.split(' ').length / 10) },
    recipe: {
      ...base,
      problem_type: 'regression',
      columns: { text: 'text', label: 'value' },
      validation_split: 0.3,
      learning_rate: 5e-4,
      num_train_epochs: 12,
      lr_scheduler_type: 'constant',
    },
  },
  'values-unrelated': {
    files: { 'rows.csv': numbered(300, (id) => (Number(id) * 7) % 10) },
    recipe: {
      ...base,
      problem_type: 'regression',
      columns: { text: 'text', label: 'value' },
      validation_split: 0.3,
      learning_rate: 2e-4,
      num_train_epochs: 3,
    },
  },
  'conversation-longer': {
    recipe: {
      ...dialogues,
      learning_rate: 5e-4,
      num_train_epochs: 3,
      per_device_train_batch_size: 8,
      max_length: 96,
      validation_split: 0.2,
      lr_scheduler_type: 'constant',
      seed: 42,
    },
  },
  folds: {
    files: some(100),
    recipe: { ...base, per_device_train_batch_size: 8, learning_rate: 1e-4, num_train_epochs: 2 },
    args: ['--folds', '5'],
  },
  conversation: {
    recipe: {
      ...dialogues,
      learning_rate: 1e-7,
      max_steps: 12,
      eval_steps: 6,
      per_device_train_batch_size: 4,
      max_length: 96,
      validation_split: 0.2,
      seed: 42,
    },
  },
  sound: {
    files: some(715),
    recipe: { ...base, validation_split: 0.3, learning_rate: 2e-4, num_train_epochs: 4 },
  },
};

/** Times, places and machines of no use to a reader; figures to so many digits as it takes. */
const rounded = (/** @type {unknown} */ value) =>
  JSON.parse(JSON.stringify(value), (_, item) => (typeof item === 'number' ? Number(item.toPrecision(6)) : item));

/** Rows of a report that are kept: they have whole texts, and of a model that writes each token. */
const KEPT_ROWS = 3;

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

/**
 * What a reader of the run's folder finds, in one file. Training rows of each label are those of the data less those
 * that were held out, where each row has one.
 * @param {string} folder
 */
async function recorded(folder) {
  const record = JSON.parse(await readFile(path.join(folder, 'run.json'), 'utf8'));
  const events = (await readFile(path.join(folder, 'metrics.jsonl'), 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const reports = await readFile(path.join(folder, 'evaluation.json'), 'utf8').then(
    (text) => Object.values(JSON.parse(text)),
    () => [],
  );
  const began = events[0].time;
  const short = (/** @type {unknown} */ value) =>
    JSON.parse(JSON.stringify(value).replaceAll(path.dirname(folder), '/shop').replaceAll(root, '/luthier'));
  const steps = events.filter(({ event }) => event === 'step').map((step) => ({ ...step, time: step.time - began }));
  return short(
    rounded({
      record: {
        ...record,
        environment: null,
        created_at: '2026-11-26T12:00:00Z',
        started_at: '2026-11-26T12:00:00Z',
        finished_at: '2026-11-26T12:05:00Z',
      },
      steps: Object.fromEntries(['fold', ...COLUMNS].map((name) => [name, steps.map((step) => step[name] ?? null)])),
      events: events
        .filter(({ event }) => event !== 'step' && event !== 'samples' && event !== 'checkpoint')
        .map((event) => ({ ...event, time: event.time - began })),
      reports: reports.map((report) =>
        'worst' in report ? { ...report, worst: report.worst.slice(0, KEPT_ROWS) } : report,
      ),
    }),
  );
}

const wanted = process.argv.slice(2);
for (const [name, { files = {}, recipe, args = [], fails = false }] of Object.entries(cases)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const folder = await mkdtemp(path.join(tmpdir(), 'luthier-record-'));
  try {
    for (const [file, text] of Object.entries(files)) await writeFile(path.join(folder, file), text);
    const { dataset } = /** @type {any} */ (recipe);
    if (typeof dataset === 'string' && !(dataset in files))
      await writeFile(path.join(folder, dataset), await readFile(path.join(examples, dataset)));
    await writeFile(path.join(folder, `${name}.recipe.json`), JSON.stringify(recipe));
    const out = path.join(folder, 'run');
    const child = spawn(
      process.execPath,
      [path.join(root, 'dist/engine/cli.cjs'), 'train', `${name}.recipe.json`, '--out', out, '--name', name, ...args],
      { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const code = await new Promise((resolve) => child.once('close', resolve));
    if ((code !== 0) !== fails) throw new Error(`${name} ended with ${code}.`);
    await mkdir(path.join(here, 'figures'), { recursive: true });
    await writeFile(path.join(here, 'figures', `${name}.json`), `${JSON.stringify(await recorded(out))}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
