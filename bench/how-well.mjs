/**
 * How well does a strategy learn beside PyTorch? The same rows, keys and number of steps on both sides, three seeds; a seed
 * also draws the rows of SST-2. Measured with the last weights, on rows that neither side saw.
 *   node bench/how-well.mjs MINILM DATA [CELL…] [--seeds 1,2,3] [--python PYTHON] [--minutes N]
 * MINILM is a folder (../shared/tools/fetch-minilm.sh makes it), DATA the folder that has sst2/ and clinc150/; CELL is a set
 * and a strategy (sst2-head), all of them without it, the quickest first. PYTHON has torch, transformers and scikit-learn:
 * without it, and without LUTHIER_PEER_PYTHON, that side is left out. Appends each run to bench/how-well.jsonl and goes on
 * from there when called again; begins no run after N minutes; prints the table of what is there.
 */
import {
  chosenOf,
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
import { CLINC_50, clinc, draw, sst2 } from './study-rows.mjs';

const { model, data, chosen, seeds, ends, options } = studyArguments('how-well.mjs MINILM DATA [CELL…]', PEER);
const { python } = options;

const SETS = {
  // Fifty intents of CLINC150 small, 50 rows of each.
  clinc50: { rows: () => clinc(data, CLINC_50), cut: {}, num_train_epochs: 3 },
  // 2,000 of SST-2's 6,920 training rows, measured on the test part.
  sst2: { rows: () => sst2(data), cut: { rows: 2000 }, num_train_epochs: 2 },
};
/** Of a step, on both sides. */
const STEPS = { per_device_train_batch_size: 16, max_length: 128, weight_decay: 0.01, max_grad_norm: 1 };
/** @type {Record<string, object>} */
const STRATEGIES = {
  head: { strategy: { type: 'head', solver: 'lbfgs' } },
  freeze: { strategy: { type: 'freeze', num_frozen_layers: 3 }, learning_rate: 1e-4, warmup_steps: 0.06 },
  'gradual-unfreeze': {
    strategy: { type: 'gradual-unfreeze', epochs_per_group: 0.2, lr_decay: 1.3 },
    ...{ learning_rate: 3e-4, lr_scheduler_type: 'slanted_triangular' },
  },
  full: { strategy: { type: 'full' }, learning_rate: 1e-4, warmup_steps: 0.06 },
};
/** @type {Record<string, { set: keyof typeof SETS, name: string }>} */
const CELLS = Object.fromEntries(
  Object.keys(STRATEGIES).flatMap((name) =>
    /** @type {(keyof typeof SETS)[]} */ (Object.keys(SETS)).map((set) => [`${set}-${name}`, { set, name }]),
  ),
);
const study = new Study('how-well.jsonl', 'node bench/how-well.mjs MINILM DATA --python PYTHON');
const cells = chosenOf(chosen, Object.keys(CELLS));
const sides = python ? ['luthier', 'pytorch'] : ['luthier'];

/** @param {string} cell @param {string} side @param {number} seed what a line of the file is found by */
function keyOf(cell, side, seed) {
  const { set, name } = CELLS[cell];
  const settings = { ...STRATEGIES[name], ...STEPS, num_train_epochs: SETS[set].num_train_epochs };
  return { cell, model: modelName(model), side, seed, settings };
}

/** @param {string} folder @param {string} cell @param {string} side @param {number} seed */
function measure(folder, cell, side, seed) {
  const { rows, cut } = SETS[CELLS[cell].set];
  writeRows(folder, draw(rows(), seed, cut));
  const { settings } = keyOf(cell, side, seed);
  const job = { folder, model, seed };
  return python && side === 'pytorch' ? trainPeer(python, 'how_well.py', job, { settings }) : train(job, settings);
}

if (!python) console.error('No --python: PyTorch is not run.');
const runs = cells.flatMap((cell) =>
  seeds.flatMap((seed) => sides.map((side) => /** @type {import('./study.mjs').Run} */ ([cell, side, seed]))),
);
await study.measure(runs, { keyOf, measure, ends });

console.log('| | Luthier | PyTorch | difference of the means, in points |\n|---|---|---|---|');
for (const cell of cells) {
  const [ours, peers] = ['luthier', 'pytorch'].map((side) =>
    seeds.map((seed) => study.known(keyOf(cell, side, seed))?.accuracy),
  );
  const both = seeds.map((_, i) => i).filter((i) => ours[i] !== undefined && peers[i] !== undefined);
  if (both.length === 0) continue;
  const whole = both.length < seeds.length ? ` (${both.length} of ${seeds.length} seeds)` : '';
  const of = (/** @type {number[]} */ side) => both.map((i) => side[i]);
  const differences = both.map((i) => ours[i] - peers[i]);
  console.log(`| ${cell}${whole} | ${shares(of(ours))} | ${shares(of(peers))} | ${points(differences)} |`);
}
