/**
 * Does training with products in float16 cost accuracy? Pairs of runs with the same rows and seed, one with fp16 and one
 * without, measured on the test rows. On the processor, which rounds to float16 what goes into products and what comes out
 * (LUTHIER_TEST_FLOAT16=1); a card sums in float16, too, so that this shows what rounding costs, and not all that a card may.
 *   node bench/float16.mjs MODEL DATA [CELL…] [--seeds 1,2,3,4,5] [--minutes N] [--backend webgpu]
 * MODEL is a folder or a starter, DATA the folder that has sst2/ and clinc150/ (../shared/data); CELL is one of CELLS below,
 * all of them without it. Appends each run to bench/float16.jsonl and goes on from there when called again; begins no run after N minutes.
 * Prints the table of what is there, and whether the mean of all differences is above −0.5 points. With --backend webgpu it
 * runs on a card that has float16.
 */
import { chosenOf, mean, modelName, points, Study, shares, studyArguments, train, writeRows } from './study.mjs';
import { CLINC_50, clinc, draw, sst2, tickets } from './study-rows.mjs';

const LEAST_POINTS = -0.5;

const full = { strategy: { type: 'full' }, learning_rate: 5e-5 };
const lora = {
  strategy: { type: 'lora', r: 8, lora_alpha: 16, lora_dropout: 0.05, target_modules: ['query', 'value'] },
  learning_rate: 1e-3,
};

/** @typedef {{ rows: (data: string) => import('./study-rows.mjs').Rows, many: { ofEach?: number, rows?: number }, recipe: object }} Cell */
/** @type {Record<string, Cell>} */
const CELLS = {
  'sst2 full': { rows: sst2, many: { rows: 2000 }, recipe: { ...full, num_train_epochs: 1 } },
  'sst2 lora': { rows: sst2, many: { rows: 2000 }, recipe: { ...lora, num_train_epochs: 1 } },
  'clinc50 full': {
    ...{ rows: (data) => clinc(data, CLINC_50), many: { ofEach: 40 } },
    recipe: { ...full, learning_rate: 2e-4, num_train_epochs: 3 },
  },
  'tickets full': {
    rows: tickets,
    many: { ofEach: 20 },
    recipe: { ...full, learning_rate: 2e-4, num_train_epochs: 8 },
  },
};

const { model, data, chosen, seeds, ends, options } = studyArguments('float16.mjs MODEL DATA [CELL…]', {
  backend: { type: 'string' },
  seeds: { type: 'string', default: '1,2,3,4,5' },
});
const cells = chosenOf(chosen, Object.keys(CELLS));
const backend = options.backend ?? 'onnxruntime';
if (backend === 'onnxruntime') process.env.LUTHIER_TEST_FLOAT16 = '1';

const study = new Study('float16.jsonl', 'node bench/float16.mjs MODEL DATA');
const WAYS = ['float32', 'float16'];

/** @param {string} cell @param {string} way @param {number} seed what a line of the file is found by */
function keyOf(cell, way, seed) {
  const { many, recipe } = CELLS[cell];
  const settings = { ...many, ...recipe, per_device_train_batch_size: 16 };
  return { cell, model: modelName(model), backend, fp16: way === 'float16', seed, settings };
}

/** @param {string} folder @param {string} cell @param {string} way @param {number} seed */
function measure(folder, cell, way, seed) {
  const { rows, many, recipe } = CELLS[cell];
  const { train: learnt, test } = draw(rows(data), seed, many);
  writeRows(folder, { train: learnt, test });
  // Nothing is chosen by an evaluation: what is compared is the last step's weights.
  const settings = { ...recipe, per_device_train_batch_size: 16, backend, ...(way === 'float16' && { fp16: true }) };
  return train({ folder, model, seed }, settings);
}

const runs = seeds.flatMap((seed) =>
  cells.flatMap((cell) => WAYS.map((way) => /** @type {import('./study.mjs').Run} */ ([cell, way, seed]))),
);
await study.measure(runs, { keyOf, measure, ends });

/** @type {number[]} */
const all = [];
console.log('| | pairs | float32, accuracy of each seed | float16 | difference, points |\n|---|---|---|---|---|');
for (const cell of cells) {
  const pairs = seeds.flatMap((seed) => {
    const [wide, narrow] = WAYS.map((way) => study.known(keyOf(cell, way, seed)));
    return wide && narrow ? [[wide.accuracy, narrow.accuracy]] : [];
  });
  if (pairs.length === 0) continue;
  const of = (/** @type {0 | 1} */ side) => pairs.map((pair) => pair[side]);
  const differences = pairs.map(([wide, narrow]) => narrow - wide);
  all.push(...differences);
  console.log(`| ${cell} | ${pairs.length} | ${shares(of(0))} | ${shares(of(1))} | ${points(differences)} |`);
}
const wanted = cells.length * seeds.length;
if (all.length > 0) {
  const difference = 100 * mean(all);
  const verdict =
    all.length < wanted ? 'not decided: pairs are missing' : difference >= LEAST_POINTS ? 'held' : 'not held';
  console.log(
    `\n${all.length} of ${wanted} pairs, ${backend}: mean difference ${difference.toFixed(2)} points (at least ${LEAST_POINTS}): ${verdict}.`,
  );
}
