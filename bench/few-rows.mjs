/**
 * Which way is best for few rows, and how `few-shot` does beside the setfit package: so many rows of each class, each
 * strategy as every door suggests it (`few-shot` and `head` without and with the classes' names), measured on rows that
 * none of them saw. Both sides have the same rows.
 *   node bench/few-rows.mjs MODEL DATA [CELL…] [--methods few-shot,setfit] [--seeds 1,2,3] [--python PYTHON] [--minutes N]
 * MODEL is a folder (../shared/tools/fetch-minilm.sh makes MiniLM's) or a starter, DATA the folder that has sst2/ and
 * clinc150/; CELL is one of CELLS below, all of them without it, the quickest first. PYTHON has setfit 1.2: without it, and
 * without LUTHIER_PEER_PYTHON, that side is left out. Appends each run to bench/few-rows.jsonl and goes on from there when
 * called again; begins no run after N minutes; prints the tables of what is there. LUTHIER_CLI names another build than
 * dist/engine/cli.cjs.
 */
import { join } from 'node:path';
import {
  chosenOf,
  epochsFor,
  halfInterval,
  isStarter,
  LORA,
  mean,
  modelName,
  PEER,
  points,
  Study,
  shares,
  studyArguments,
  train,
  trainPeer,
  writeRows,
} from './study.mjs';
import { CLINC_20, clinc, draw, sst2, tickets } from './study-rows.mjs';

/** How often each row takes part in a step here, at most; in setfit, pairs of each kind for each row, with two texts each. */
const PAIRS = 20;
/** Texts that name a class, beside its rows: src/protocol/label-names.ts, whose first is setfit's own (get_templated_dataset). */
const TEMPLATES = ['This sentence is {}', '{}'];

const { model, data, chosen, seeds, ends, options } = studyArguments('few-rows.mjs MODEL DATA [CELL…]', {
  methods: { type: 'string' },
  ...PEER,
});
const { python } = options;

/** @type {Record<string, { rows: () => import('./study-rows.mjs').Rows, ofEach: number }>} */
const CELLS = {
  'sst2-8': { rows: () => sst2(data), ofEach: 8 },
  'sst2-16': { rows: () => sst2(data), ofEach: 16 },
  'tickets-8': { rows: tickets, ofEach: 8 },
  'clinc20-8': { rows: () => clinc(data, CLINC_20), ofEach: 8 },
  'tickets-16': { rows: tickets, ofEach: 16 },
  'sst2-64': { rows: () => sst2(data), ofEach: 64 },
  'clinc20-16': { rows: () => clinc(data, CLINC_20), ofEach: 16 },
};

/** Epochs and batch of so many rows, for the steps that src/protocol/suggestion.ts has, which reckons with a tenth held out. @param {number} rows */
function suggested(rows) {
  const enough = epochsFor(256, rows);
  return { ...enough, num_train_epochs: Math.max(5, Math.min(40, enough.num_train_epochs)) };
}
/** As src/engine/strategies/few-shot.ts suggests it, whose 40 iterations 128 steps cut off, too. @param {number} _ @param {number} ofEach */
const fewShot = (_, ofEach) => ({
  strategy: { type: 'few-shot', num_iterations: PAIRS, batch_size: 16, max_steps: ofEach < 32 ? 64 : 128 },
});
const head = () => ({ strategy: { type: 'head', solver: 'lbfgs' } });

/**
 * By its name, what a method's recipe has; with `names`, the strategy has label_templates, too. That is no part of the
 * settings that a line is found by: its method says it, as it did before there was such a key.
 * @type {Record<string, { recipe: (rows: number, ofEach: number) => { strategy: object }, names?: true }>}
 */
const METHODS = {
  'few-shot': { recipe: fewShot },
  head: { recipe: head },
  lora: {
    recipe: (rows) => ({
      strategy: LORA,
      ...{ learning_rate: 1e-3, ...suggested(rows) },
    }),
  },
  full: {
    recipe: (rows) => ({
      strategy: { type: 'full' },
      ...{ learning_rate: isStarter(model) ? 2e-4 : 5e-5, ...suggested(rows) },
    }),
  },
  'head+names': { recipe: head, names: true },
  'few-shot+names': { recipe: fewShot, names: true },
};
/** The peer comes right after what it is compared with. */
const ORDER = ['few-shot', 'setfit', 'head', 'lora', 'full', 'head+names', 'few-shot+names'];

const study = new Study('few-rows.jsonl', 'node bench/few-rows.mjs MODEL DATA --python PYTHON');
const wanted = chosenOf(options.methods?.split(',') ?? [], ORDER);
const methods = ORDER.filter((name) => wanted.includes(name));
const cells = chosenOf(chosen, Object.keys(CELLS));

/** @param {string} cell @param {string} method @param {number} seed what a line of the file is found by */
function keyOf(cell, method, seed) {
  const ofEach = CELLS[cell].ofEach;
  /** @type {{ strategy?: object, num_iterations?: number }} */
  const settings =
    method === 'setfit' ? { num_iterations: PAIRS } : METHODS[method].recipe(classesIn(cell) * ofEach, ofEach);
  return { cell, model: modelName(model), method, seed, settings };
}
const classes = new Map();
/** Classes of a cell's data. @param {string} cell @returns {number} */
function classesIn(cell) {
  if (!classes.has(cell)) classes.set(cell, new Set(CELLS[cell].rows().pool.map(({ label }) => label)).size);
  return classes.get(cell);
}

/** @param {string} folder @param {string} cell @param {string} method @param {number} seed */
function measure(folder, cell, method, seed) {
  const { train: rows, test } = draw(CELLS[cell].rows(), seed, { ofEach: CELLS[cell].ofEach });
  writeRows(folder, { train: rows, test });
  const { settings } = keyOf(cell, method, seed);
  const job = { folder, model, seed };
  if (python && method === 'setfit')
    return trainPeer(python, 'few_rows.py', job, { out: join(folder, 'peer'), ...settings });
  const strategy = { ...settings.strategy, ...(METHODS[method].names && { label_templates: TEMPLATES }) };
  return train(job, { ...settings, strategy });
}

if (!python) console.error('No --python: the setfit package is not run.');
const runs = cells.flatMap((cell) =>
  seeds.flatMap((seed) =>
    methods
      .filter((method) => method !== 'setfit' || (python && !isStarter(model)))
      .map((method) => /** @type {import('./study.mjs').Run} */ ([cell, method, seed])),
  ),
);
await study.measure(runs, { keyOf, measure, ends });

/** What is measured of a cell by a method, a seed each. @param {string} cell @param {string} method */
const runsOf = (cell, method) => seeds.map((seed) => study.known(keyOf(cell, method, seed))).filter(Boolean);
const accuracies = (/** @type {any[]} */ runs) => runs.map((run) => run.accuracy);

console.log('| rows of each class | few-shot | setfit | difference in points | time, ratio of each pair | idle |');
console.log('|---|---|---|---|---|---|');
for (const cell of cells) {
  const pairs = seeds
    .map((seed) => ['few-shot', 'setfit'].map((method) => study.known(keyOf(cell, method, seed))))
    .filter(([ours, peer]) => ours && peer);
  if (pairs.length === 0) continue;
  const [ours, peers] = [0, 1].map((side) => pairs.map((pair) => pair[side]));
  const differences = pairs.map(([a, b]) => a.accuracy - b.accuracy);
  const ratios = pairs.map(([a, b]) => (a.seconds / b.seconds).toFixed(2)).join(' ');
  const seconds = `${mean(ours.map((run) => run.seconds)).toFixed(0)} s, ${mean(peers.map((run) => run.seconds)).toFixed(0)} s: ${ratios}`;
  const idle = pairs.filter(([a, b]) => a.idle && b.idle).length;
  console.log(
    `| ${cell} | ${shares(accuracies(ours))} | ${shares(accuracies(peers))} | ${points(differences)} | ${seconds} | ${idle} of ${pairs.length} |`,
  );
}
console.log(`\n| rows of each class | ${Object.keys(METHODS).join(' | ')} |\n|---|${'---|'.repeat(6)}`);
for (const cell of cells) {
  const all = Object.keys(METHODS).map((method) => runsOf(cell, method));
  if (all.every((runs) => runs.length === 0)) continue;
  const texts = all.map((runs) => {
    if (runs.length === 0) return '–';
    const half = halfInterval(accuracies(runs));
    const spread = half === null ? '' : ` ± ${half.toFixed(3)}`;
    const few = runs.length < seeds.length ? ` (${runs.length} of ${seeds.length} seeds)` : '';
    return `${mean(accuracies(runs)).toFixed(3)}${spread}${few}, ${mean(runs.map((run) => run.seconds)).toFixed(0)} s`;
  });
  console.log(`| ${cell} | ${texts.join(' | ')} |`);
}
