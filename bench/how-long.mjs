/**
 * How long should a strategy learn a few rows? Each of them with several numbers of optimiser steps, measured on rows that
 * none saw; all else is as src/protocol/suggestion.ts has it.
 *   node bench/how-long.mjs MODEL DATA [CELL…] [--methods few-shot,full,lora] [--steps 64,128] [--seeds 1,2,3] [--minutes N]
 * MODEL is a folder (../shared/tools/fetch-minilm.sh makes MiniLM's) or a starter, DATA the folder that has sst2/ and
 * clinc150/; CELL is a dataset and rows of each class (tickets-16), all of CELLS without it. Appends each run to
 * bench/how-long.jsonl and goes on from there when called again; begins no run after N minutes; prints the table of what
 * is there. LUTHIER_CLI names another build than dist/engine/cli.cjs.
 */
import {
  chosenOf,
  epochsFor,
  isStarter,
  LORA,
  mean,
  modelName,
  points,
  Study,
  studyArguments,
  train,
  writeRows,
} from './study.mjs';
import { CLINC_20, clinc, draw, sst2, tickets } from './study-rows.mjs';

const { model, data, chosen, seeds, ends, options } = studyArguments('how-long.mjs MODEL DATA [CELL…]', {
  methods: { type: 'string', default: 'few-shot,full,lora' },
  steps: { type: 'string', default: '64,128,256' },
});

/** @type {Record<string, () => import('./study-rows.mjs').Rows>} */
const SETS = { sst2: () => sst2(data), tickets, clinc20: () => clinc(data, CLINC_20) };
const OF_EACH = [8, 16, 32, 64];
const CELLS = Object.keys(SETS).flatMap((set) => OF_EACH.map((ofEach) => `${set}-${ofEach}`));

/** By its name, the recipe of a method that takes so many steps. @type {Record<string, (steps: number, rows: number) => object>} */
const METHODS = {
  'few-shot': (steps) => ({
    // As often as it takes: the steps alone bound it.
    strategy: { type: 'few-shot', num_iterations: 1000, batch_size: 16, max_steps: steps },
  }),
  full: (steps, rows) => ({
    strategy: { type: 'full' },
    ...{ learning_rate: isStarter(model) ? 2e-4 : 5e-5, ...epochsFor(steps, rows) },
  }),
  lora: (steps, rows) => ({
    strategy: LORA,
    ...{ learning_rate: 1e-3, ...epochsFor(steps, rows) },
  }),
};

const study = new Study('how-long.jsonl', 'node bench/how-long.mjs MODEL DATA');
const cells = chosenOf(chosen, CELLS);
const methods = chosenOf(options.methods?.split(',') ?? [], Object.keys(METHODS));
const lengths = (options.steps ?? '').split(',').map(Number);
if (!lengths.every((steps) => Number.isInteger(steps) && steps > 0))
  throw new Error(`--steps is ${options.steps}; it must be whole numbers from 1 on, with commas`);

/** @type {Map<string, ReturnType<typeof draw>>} */
const drawn = new Map();
/** A cell's training and test rows, read once. @param {string} cell @param {number} seed */
function rowsOf(cell, seed) {
  const key = `${cell} ${seed}`;
  const [set, ofEach] = cell.split('-');
  const rows = drawn.get(key) ?? draw(SETS[set](), seed, { ofEach: Number(ofEach) });
  drawn.set(key, rows);
  return rows;
}

/** A method and its steps are one name, so that a study's runs have three. @param {string} cell @param {string} way @param {number} seed */
function keyOf(cell, way, seed) {
  const [method, steps] = way.split(' ');
  const settings = METHODS[method](Number(steps), rowsOf(cell, seed).train.length);
  return { cell, model: modelName(model), method, steps_wanted: Number(steps), seed, settings };
}

/** @param {string} folder @param {string} cell @param {string} way @param {number} seed */
function measure(folder, cell, way, seed) {
  const { train: learnt, test } = rowsOf(cell, seed);
  writeRows(folder, { train: learnt, test });
  return train({ folder, model, seed }, keyOf(cell, way, seed).settings);
}

const ways = methods.flatMap((method) => lengths.map((steps) => `${method} ${steps}`));
const runs = seeds.flatMap((seed) =>
  cells.flatMap((cell) => ways.map((way) => /** @type {import('./study.mjs').Run} */ ([cell, way, seed]))),
);
await study.measure(runs, { keyOf, measure, ends });

const accuracies = (/** @type {string} */ cell, /** @type {string} */ way) =>
  seeds.map((seed) => study.known(keyOf(cell, way, seed))?.accuracy);
/** Beside the first number of steps, seed by seed. */
console.log(`| | ${ways.join(' | ')} |\n|---|${'---|'.repeat(ways.length)}`);
for (const cell of cells) {
  const texts = ways.map((way) => {
    const [own, first] = [accuracies(cell, way), accuracies(cell, `${way.split(' ')[0]} ${lengths[0]}`)];
    const known = own.filter((accuracy) => accuracy !== undefined);
    if (known.length === 0) return '–';
    const differences = own.flatMap((accuracy, i) =>
      accuracy === undefined || first[i] === undefined ? [] : [accuracy - first[i]],
    );
    const beside = way.endsWith(` ${lengths[0]}`) || differences.length === 0 ? '' : ` (${points(differences)})`;
    return `${mean(known).toFixed(3)}${beside}`;
  });
  if (texts.some((text) => text !== '–')) console.log(`| ${cell} | ${texts.join(' | ')} |`);
}
