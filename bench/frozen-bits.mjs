/**
 * Does training over a decoder's frozen layers in 8 or 4 bits cost accuracy? LoRA on the same rows with the same seeds, over layers
 * in float, in 8 bits as a processor computes them, and in 8 and 4 bits in blocks as a graphics card has them. The blocks are computed
 * on the processor (LUTHIER_TEST_BLOCKS=1), by the same operator and of the same bytes.
 *   node bench/frozen-bits.mjs MODEL DATA [CELL…] [--ways float,…] [--seeds 1,2,3] [--minutes N]
 * MODEL is a folder of a Llama-like decoder, DATA the folder that has sst2/ and sgd-dialogue/ (../shared/data); CELL is one of
 * CELLS below, all of them without it. Appends each run to bench/frozen-bits.jsonl and goes on from there when called again; begins
 * no run after N minutes. What is measured is the written model, in float, on test rows: the share that is right, or the
 * loss of a token. Prints the table of what is there. LUTHIER_CLI names another build than dist/engine/cli.cjs.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chosenOf, halfInterval, mean, modelName, Study, studyArguments, train, writeRows } from './study.mjs';
import { draw, sst2 } from './study-rows.mjs';

const lora = { type: 'lora', r: 8, lora_alpha: 16, lora_dropout: 0.05 };

/** @typedef {{ rows: (seed: number) => Record<string, object[]>, recipe: object, of: 'accuracy' | 'loss' }} Cell */
/** @type {Record<string, Cell>} */
const CELLS = {
  'SST-2, accuracy': {
    rows: (seed) => {
      const { train, test } = draw(sst2(data), seed, { rows: 384 });
      return { train, test: test.slice(0, 600) };
    },
    recipe: { learning_rate: 1e-3, num_train_epochs: 1, per_device_train_batch_size: 8 },
    of: 'accuracy',
  },
  'dialogues, loss of a token': {
    rows: (seed) => {
      const part = (/** @type {string} */ name) =>
        readFileSync(join(data, 'sgd-dialogue', `${name}.jsonl`), 'utf8')
          .trim()
          .split('\n')
          .map((line) => ({ messages: JSON.parse(line).messages }));
      // Other ones with each seed.
      const all = part('train');
      return { train: all.filter((_, i) => i % 3 === seed % 3), test: part('test').slice(0, 60) };
    },
    recipe: {
      ...{ task: 'conversational', max_length: 256, learning_rate: 1e-3, num_train_epochs: 1 },
      per_device_train_batch_size: 4,
    },
    of: 'loss',
  },
};

/** What each way has in its strategy, and whether layers are taken in blocks. @type {Record<string, { keys: object, inBlocks?: true }>} */
const WAYS = {
  float: { keys: {} },
  '8 bits': { keys: { load_in_8bit: true } },
  '8 bits in blocks': { keys: { load_in_8bit: true }, inBlocks: true },
  '4 bits in blocks': { keys: { load_in_4bit: true }, inBlocks: true },
};

const { model, data, chosen, seeds, ends, options } = studyArguments('frozen-bits.mjs MODEL DATA [CELL…]', {
  ways: { type: 'string' },
});
const cells = chosenOf(chosen, Object.keys(CELLS));
const ways = chosenOf(options.ways?.split(',') ?? [], Object.keys(WAYS));
const study = new Study('frozen-bits.jsonl', 'node bench/frozen-bits.mjs MODEL DATA');

/** @param {string} cell @param {string} way */
const settingsOf = (cell, way) => ({ ...CELLS[cell].recipe, strategy: { ...lora, ...WAYS[way].keys } });

/** @param {string} cell @param {string} way @param {number} seed what a line of the file is found by */
const keyOf = (cell, way, seed) => ({ cell, model: modelName(model), way, seed, settings: settingsOf(cell, way) });

/** @param {string} folder @param {string} cell @param {string} way @param {number} seed */
function measure(folder, cell, way, seed) {
  writeRows(folder, CELLS[cell].rows(seed));
  if (WAYS[way].inBlocks) process.env.LUTHIER_TEST_BLOCKS = '1';
  else delete process.env.LUTHIER_TEST_BLOCKS;
  // Nothing is chosen by an evaluation: what is compared is the last step's weights.
  return train({ folder, model, seed }, { ...settingsOf(cell, way), backend: 'onnxruntime' });
}

const runs = seeds.flatMap((seed) =>
  cells.flatMap((cell) => ways.map((way) => /** @type {import('./study.mjs').Run} */ ([cell, way, seed]))),
);
await study.measure(runs, { keyOf, measure, ends });

const signed = (/** @type {number} */ x, /** @type {number} */ digits) =>
  `${x < 0 ? '−' : '+'}${Math.abs(x).toFixed(digits)}`;
console.log('| | pairs | float | bits | mean | difference to float, 95 % interval |\n|---|---|---|---|---|---|');
for (const cell of cells) {
  const { of } = CELLS[cell];
  // Accuracies in points.
  const [scale, digits] = of === 'accuracy' ? [100, 1] : [1, 3];
  for (const way of ways.slice(1)) {
    const pairs = seeds.flatMap((seed) => {
      const [wide, narrow] = ['float', way].map((name) => study.known(keyOf(cell, name, seed)));
      return wide && narrow ? [{ wide: scale * wide[of], narrow: scale * narrow[of] }] : [];
    });
    if (pairs.length === 0) continue;
    const differences = pairs.map(({ wide, narrow }) => narrow - wide);
    const half = halfInterval(differences);
    const [wide, narrow] = [mean(pairs.map(({ wide }) => wide)), mean(pairs.map(({ narrow }) => narrow))];
    console.log(
      `| ${cell} | ${pairs.length} | ${wide.toFixed(digits)} | ${way} | ${narrow.toFixed(digits)} | ${signed(mean(differences), digits + 1)}${half === null ? '' : ` ± ${half.toFixed(digits + 1)}`} |`,
    );
  }
}
