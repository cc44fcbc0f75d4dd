/**
 * Whether a prompt that is pre-trained on texts without labels (prompt_tuning_init PRETRAINED, after PPT) classifies better
 * than one of random values: SST-2, so many labelled rows of each class, texts of other training rows without their labels,
 * measured on 600 test rows. Both have the same rows and the same steps on them; a third has all of the pre-trained one's
 * steps on the labelled rows. The head alone is solved beside them.
 *   node bench/pretrained-prompt.mjs MODEL DATA [CELL…] [--methods random,pretrained] [--seeds 1,2,3] [--texts 1000] [--minutes N]
 * MODEL is a folder or a starter, DATA the folder that has sst2/; CELL is one of CELLS below, all of them without it. Appends
 * each run to bench/pretrained-prompt.jsonl and goes on from there when called again; begins no run after N minutes; prints
 * the table of what is there. LUTHIER_CLI names another build than dist/engine/cli.cjs.
 */
import {
  chosenOf,
  halfInterval,
  mean,
  modelName,
  points,
  Study,
  shares,
  studyArguments,
  train,
  writeRows,
} from './study.mjs';
import { draw, sst2 } from './study-rows.mjs';

const { model, data, chosen, seeds, ends, options } = studyArguments('pretrained-prompt.mjs MODEL DATA [CELL…]', {
  methods: { type: 'string' },
  texts: { type: 'string', default: '1000' },
});

/** Labelled rows of each class. @type {Record<string, number>} */
const CELLS = { 'sst2-8': 8, 'sst2-32': 32 };
/** Steps on the labelled rows. */
const STEPS = 50;
/** Test rows, the first of the file: an evaluation takes as long as many steps. */
const MEASURED = 600;
const BATCH = 16;
const texts = Number(options.texts);
/** Two pairs of each text. */
const before = Math.ceil((2 * texts) / BATCH);

/** @param {string} init @param {object} [more] of the strategy */
const prompt = (init, more = {}) => ({
  strategy: { type: 'prompt-tuning', num_virtual_tokens: 20, prompt_tuning_init: init, ...more },
  ...{ learning_rate: 3e-2, per_device_train_batch_size: BATCH },
});
/** By its name, what a method's recipe has. @type {Record<string, object>} */
const METHODS = {
  random: { ...prompt('RANDOM'), max_steps: STEPS },
  'random, all steps': { ...prompt('RANDOM'), max_steps: before + STEPS },
  pretrained: { ...prompt('PRETRAINED', { pretraining_dataset: 'rest.jsonl' }), max_steps: STEPS },
  head: { strategy: { type: 'head', solver: 'lbfgs' } },
};

const COMPARED = ['random', 'pretrained'];

const study = new Study('pretrained-prompt.jsonl', 'node bench/pretrained-prompt.mjs MODEL DATA');
const methods = chosenOf(options.methods?.split(',') ?? [], Object.keys(METHODS));
const cells = chosenOf(chosen, Object.keys(CELLS));

/** @param {string} cell @param {string} method @param {number} seed what a line of the file is found by */
const keyOf = (cell, method, seed) => ({
  ...{ cell, model: modelName(model), method, seed, settings: METHODS[method] },
  ...(method === 'pretrained' && { texts }),
});

/** @param {string} folder @param {string} cell @param {string} method @param {number} seed */
function measure(folder, cell, method, seed) {
  const { train: rows, test, rest } = draw(sst2(data), seed, { ofEach: CELLS[cell] });
  writeRows(folder, {
    train: rows,
    test: test.slice(0, MEASURED),
    rest: rest.slice(0, texts).map(({ text }) => ({ text })),
  });
  return train({ folder, model, seed }, METHODS[method]);
}

// What is compared comes first, for all seeds.
const runs = [true, false].flatMap((compared) =>
  seeds.flatMap((seed) =>
    cells.flatMap((cell) =>
      methods
        .filter((name) => COMPARED.includes(name) === compared)
        .map((method) => /** @type {import('./study.mjs').Run} */ ([cell, method, seed])),
    ),
  ),
);
await study.measure(runs, { keyOf, measure, ends });

/** A seed's run each, where there is one. @param {string} cell @param {string} method */
const runsOf = (cell, method) => seeds.map((seed) => study.known(keyOf(cell, method, seed)));

console.log(`| rows of each class | ${Object.keys(METHODS).join(' | ')} | pretrained − random, in points |`);
console.log(`|---|${'---|'.repeat(Object.keys(METHODS).length + 1)}`);
for (const cell of cells) {
  const texts = Object.keys(METHODS).map((method) => {
    const runs = runsOf(cell, method).filter(Boolean);
    if (runs.length === 0) return '–';
    const accuracies = runs.map(({ accuracy }) => accuracy);
    const half = halfInterval(accuracies);
    const spread = half === null ? '' : ` ± ${half.toFixed(3)}`;
    return `${shares(accuracies)}${spread}, ${mean(runs.map(({ seconds }) => seconds)).toFixed(0)} s`;
  });
  const [ours, plain] = [runsOf(cell, 'pretrained'), runsOf(cell, 'random')];
  const differences = ours.flatMap((run, i) => (run && plain[i] ? [run.accuracy - plain[i].accuracy] : []));
  console.log(`| ${cell} | ${texts.join(' | ')} | ${differences.length > 0 ? points(differences) : '–'} |`);
}
