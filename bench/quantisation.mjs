/**
 * Does training over frozen layers in 8 bits cost accuracy? MiniLM on three datasets, each seed once with float and once
 * with 8-bit frozen layers, measured on the validation and test rows together.
 *   node bench/quantisation.mjs MINILM SST2 CLINC150 [--only DATASET|STRATEGY]…
 * MINILM, SST2 and CLINC150 are folders (../shared/tools/fetch-minilm.sh makes the first; the second holds
 * stsa.binary.*, the third data_small.json); the third dataset is examples/tickets.csv. Appends each run to
 * bench/quantisation.jsonl and goes on from there when called again; prints the tables of bench/quantisation.md and
 * whether 8 bits may be suggested: mean difference of all pairs at least −0.2 points, and the lower bound of its 95 %
 * interval (Student's t) at least −1. LUTHIER_CLI names another build than dist/engine/cli.cjs.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cli, mean, verdict } from './study.mjs';

const SEEDS = [1, 2, 3, 4, 5];
const SST2_ROWS = 3000;

/** @type {Record<string, { strategy: object, learning_rate: number }>} */
const STRATEGIES = {
  lora: {
    strategy: { type: 'lora', r: 8, lora_alpha: 16, lora_dropout: 0.05, target_modules: ['query', 'value'] },
    learning_rate: 1e-3,
  },
  freeze: { strategy: { type: 'freeze', num_frozen_layers: 4 }, learning_rate: 5e-5 },
};

/**
 * Keys of each dataset's recipe, and how long it is trained on: few rows and many classes need more passes, and freeze a
 * higher rate.
 * @type {Record<string, { keys: () => object, epochs: number, freezeRate?: number }>}
 */
const DATASETS = {
  sst2: { keys: () => ({ dataset: writeSst2() }), epochs: 1 },
  clinc150: { keys: () => ({ dataset: writeClinc() }), epochs: 3, freezeRate: 2e-4 },
  // Half of them held out: other ones with each seed, the same for float and 8 bits.
  tickets: { keys: () => ({ dataset: tickets, validation_split: 0.5 }), epochs: 8, freezeRate: 2e-4 },
};

const given = process.argv.slice(2);
/** @type {string[]} */
const only = [];
for (let at = given.indexOf('--only'); at >= 0; at = given.indexOf('--only')) only.push(given.splice(at, 2)[1]);
const unknown = only.filter((name) => !(name in DATASETS) && !(name in STRATEGIES));
if (given.length !== 3 || unknown.length > 0)
  throw new Error('usage: node bench/quantisation.mjs MINILM SST2 CLINC150 [--only DATASET|STRATEGY]…');
// A recipe's paths are relative to its own folder.
const [minilm, sst2, clinc] = given.map((folder) => resolve(folder));
const file = fileURLToPath(new URL('quantisation.jsonl', import.meta.url));
const tickets = fileURLToPath(new URL('../examples/tickets.csv', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'luthier-quantisation-'));

/** Every second or third row of the training part, so that both classes are there however it is ordered. */
function writeSst2() {
  const rows = readFileSync(join(sst2, 'stsa.binary.train'), 'latin1').trim().split('\n');
  const taken = Array.from({ length: SST2_ROWS }, (_, i) => rows[Math.floor((i * rows.length) / SST2_ROWS)]);
  writeFileSync(join(work, 'train.txt'), `${taken.join('\n')}\n`, 'latin1');
  const part = (/** @type {string} */ split) => join(sst2, `stsa.binary.${split}`);
  return { train: join(work, 'train.txt'), validation: part('dev'), test: part('test') };
}

/** The questions of all 150 intents, 50 of each to train on; those out of scope are left out. */
function writeClinc() {
  const parts = JSON.parse(readFileSync(join(clinc, 'data_small.json'), 'utf8'));
  return Object.fromEntries(
    Object.entries({ train: parts.train, validation: parts.val, test: parts.test }).map(([name, rows]) => {
      const path = join(work, `clinc-${name}.jsonl`);
      const lines = rows.map((/** @type {[string, string]} */ [text, label]) => JSON.stringify({ text, label }));
      writeFileSync(path, `${lines.join('\n')}\n`);
      return [name, path];
    }),
  );
}

/** @typedef {{ dataset: string, strategy: string, load_in_8bit: boolean, seed: number }} Way */
/** @typedef {Way & { accuracy: number, n: number, step_ms: number, cpu: string }} Run */

/**
 * @param {Way} way
 * @param {object} data keys of the recipe that say what is read
 * @returns {Run}
 */
function train(way, data) {
  const { strategy, learning_rate } = STRATEGIES[way.strategy];
  const { epochs, freezeRate } = DATASETS[way.dataset];
  const recipe = join(work, 'study.recipe.json');
  const settings = {
    learning_rate: way.strategy === 'freeze' ? (freezeRate ?? learning_rate) : learning_rate,
    num_train_epochs: epochs,
    per_device_train_batch_size: 16,
    // Measured once, at the end: the weights are not chosen on what they are measured on.
    eval_steps: 1_000_000,
    seed: way.seed,
    backend: 'onnxruntime',
  };
  const written = { ...strategy, load_in_8bit: way.load_in_8bit };
  writeFileSync(recipe, JSON.stringify({ model: minilm, ...data, strategy: written, ...settings }));
  const out = join(work, 'run');
  const lines = execFileSync(process.execPath, [cli, 'train', recipe, '--out', out, '--json'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  rmSync(out, { recursive: true });
  const events = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const evaluations = ['validation', 'test'].flatMap(
    (split) => events.findLast((event) => event.event === 'eval' && event.split === split) ?? [],
  );
  const n = evaluations.reduce((sum, { n }) => sum + n, 0);
  const accuracy = evaluations.reduce((sum, { n, metrics }) => sum + n * metrics.accuracy, 0) / n;
  const steps = events.filter(({ event }) => event === 'step').map(({ step_ms }) => step_ms);
  const step_ms = steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)];
  return { ...way, accuracy, n, step_ms, cpu: cpus()[0].model };
}

/** Runs of before there were several datasets are SST-2's. @returns {Run[]} */
const read = () =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => ({ dataset: 'sst2', ...JSON.parse(line) }))
    : [];

/** @param {Run[]} runs @param {Way} way */
const find = (runs, way) =>
  runs.find(
    (run) =>
      run.dataset === way.dataset &&
      run.strategy === way.strategy &&
      run.load_in_8bit === way.load_in_8bit &&
      run.seed === way.seed,
  );

const percent = (/** @type {number} */ share) => (100 * share).toFixed(2);

function tables() {
  const runs = read();
  /** @type {number[]} */
  const all = [];
  console.log('| dataset | strategy | seed | float | 8 bits | difference |\n|---|---|---|---|---|---|');
  for (const dataset of Object.keys(DATASETS)) {
    for (const strategy of Object.keys(STRATEGIES)) {
      const pairs = SEEDS.flatMap((seed) => {
        const [float, narrow] = [false, true].map((load_in_8bit) =>
          find(runs, { dataset, strategy, load_in_8bit, seed }),
        );
        return float && narrow ? [{ seed, float: float.accuracy, narrow: narrow.accuracy }] : [];
      });
      if (pairs.length === 0) continue;
      const row = (/** @type {number | string} */ seed, /** @type {number} */ float, /** @type {number} */ narrow) =>
        console.log(
          `| ${dataset} | ${strategy} | ${seed} | ${percent(float)} | ${percent(narrow)} | ${percent(narrow - float)} |`,
        );
      for (const { seed, float, narrow } of pairs) row(seed, float, narrow);
      row('mean', mean(pairs.map(({ float }) => float)), mean(pairs.map(({ narrow }) => narrow)));
      all.push(...pairs.map(({ float, narrow }) => 100 * (narrow - float)));
    }
  }
  const wanted = Object.keys(DATASETS).length * Object.keys(STRATEGIES).length * SEEDS.length;
  if (all.length > 0) console.log(`\n${verdict(all, wanted)}`);
}

/** Whether any of these names is among those that were asked for. */
const isWanted = (/** @type {object} */ table, /** @type {string} */ name) => {
  const asked = only.filter((it) => it in table);
  return asked.length === 0 || asked.includes(name);
};

try {
  for (const dataset of Object.keys(DATASETS)) {
    if (!isWanted(DATASETS, dataset)) continue;
    const data = DATASETS[dataset].keys();
    for (const strategy of Object.keys(STRATEGIES)) {
      if (!isWanted(STRATEGIES, strategy)) continue;
      for (const seed of SEEDS) {
        for (const load_in_8bit of [false, true]) {
          const way = { dataset, strategy, load_in_8bit, seed };
          if (find(read(), way)) continue;
          const result = train(way, data);
          console.error(JSON.stringify(result));
          appendFileSync(file, `${JSON.stringify(result)}\n`);
        }
      }
    }
  }
  tables();
} finally {
  rmSync(work, { recursive: true, force: true });
}
