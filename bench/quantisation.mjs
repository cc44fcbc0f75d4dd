/**
 * Does training over frozen layers in 8 bits cost accuracy? MiniLM on 3,000 rows of SST-2, one epoch, each seed once with
 * float and once with 8-bit frozen layers, measured on the dev and test parts together (2,693 rows).
 *   node bench/quantisation.mjs MINILM SST2 [STRATEGY…]
 * MINILM and SST2 are folders (../shared/tools/fetch-minilm.sh makes the first, ../shared/data/sst2 is the second);
 * STRATEGY is lora or freeze, both without it. Appends each run to bench/quantisation.jsonl and goes on from there when
 * called again; prints the table of bench/quantisation.md. LUTHIER_CLI names another build than dist/engine/cli.cjs.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const SEEDS = [1, 2, 3, 4, 5];
const ROWS = 3000;
/** @type {Record<string, { strategy: object, learning_rate: number }>} */
const STRATEGIES = {
  lora: {
    strategy: { type: 'lora', r: 8, lora_alpha: 16, lora_dropout: 0.05, target_modules: ['query', 'value'] },
    learning_rate: 1e-3,
  },
  freeze: { strategy: { type: 'freeze', num_frozen_layers: 4 }, learning_rate: 5e-5 },
};

const [model, data, ...chosen] = process.argv.slice(2);
if (!model || !data) throw new Error('usage: node bench/quantisation.mjs MINILM SST2 [lora|freeze]…');
// A recipe's paths are relative to its own folder.
const [minilm, sst2] = [resolve(model), resolve(data)];
const file = fileURLToPath(new URL('quantisation.jsonl', import.meta.url));
const cli = process.env.LUTHIER_CLI ?? fileURLToPath(new URL('../dist/engine/cli.cjs', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'luthier-quantisation-'));

/** Every second or third row of the training part, so that both classes are there however it is ordered. */
function writeTraining() {
  const rows = readFileSync(join(sst2, 'stsa.binary.train'), 'latin1').trim().split('\n');
  const taken = Array.from({ length: ROWS }, (_, i) => rows[Math.floor((i * rows.length) / ROWS)]);
  writeFileSync(join(work, 'train.txt'), `${taken.join('\n')}\n`, 'latin1');
}

/**
 * @param {string} name one of STRATEGIES
 * @param {boolean} load_in_8bit
 * @param {number} seed
 */
function train(name, load_in_8bit, seed) {
  const { strategy, learning_rate } = STRATEGIES[name];
  const part = (/** @type {string} */ split) => join(sst2, `stsa.binary.${split}`);
  const recipe = join(work, 'study.recipe.json');
  const dataset = { train: join(work, 'train.txt'), validation: part('dev'), test: part('test') };
  const settings = {
    learning_rate,
    num_train_epochs: 1,
    per_device_train_batch_size: 16,
    seed,
    backend: 'onnxruntime',
  };
  writeFileSync(
    recipe,
    JSON.stringify({ model: minilm, dataset, strategy: { ...strategy, load_in_8bit }, ...settings }),
  );
  const out = join(work, 'run');
  const lines = execFileSync(process.execPath, [cli, 'train', recipe, '--out', out, '--json'], { encoding: 'utf8' });
  rmSync(out, { recursive: true });
  const events = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const evaluations = ['validation', 'test'].map((split) =>
    events.findLast((event) => event.event === 'eval' && event.split === split),
  );
  const n = evaluations.reduce((sum, { n }) => sum + n, 0);
  const accuracy = evaluations.reduce((sum, { n, metrics }) => sum + n * metrics.accuracy, 0) / n;
  const steps = events.filter(({ event }) => event === 'step').map(({ step_ms }) => step_ms);
  const step_ms = steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)];
  return { strategy: name, load_in_8bit, seed, accuracy, n, step_ms, cpu: cpus()[0].model };
}

const read = () =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [];

const mean = (/** @type {number[]} */ values) => values.reduce((a, b) => a + b, 0) / values.length;
const percent = (/** @type {number} */ share) => (100 * share).toFixed(2);

function table() {
  const runs = read();
  console.log('| strategy | seed | float | 8 bits | difference |\n|---|---|---|---|---|');
  for (const name of Object.keys(STRATEGIES)) {
    const of = (/** @type {boolean} */ load_in_8bit, /** @type {number} */ seed) =>
      runs.find((run) => run.strategy === name && run.load_in_8bit === load_in_8bit && run.seed === seed)?.accuracy;
    const pairs = SEEDS.map(
      (seed) => /** @type {[number, number, number]} */ ([seed, of(false, seed), of(true, seed)]),
    ).filter((pair) => pair[1] && pair[2]);
    if (pairs.length === 0) continue;
    const row = (/** @type {number | string} */ seed, /** @type {number} */ float, /** @type {number} */ narrow) =>
      console.log(`| ${name} | ${seed} | ${percent(float)} | ${percent(narrow)} | ${percent(narrow - float)} |`);
    for (const pair of pairs) row(...pair);
    row('mean', mean(pairs.map((pair) => pair[1])), mean(pairs.map((pair) => pair[2])));
  }
}

try {
  writeTraining();
  for (const name of chosen.length > 0 ? chosen : Object.keys(STRATEGIES)) {
    for (const seed of SEEDS) {
      for (const load_in_8bit of [false, true]) {
        const isDone = read().some(
          (run) => run.strategy === name && run.load_in_8bit === load_in_8bit && run.seed === seed,
        );
        if (isDone) continue;
        const result = train(name, load_in_8bit, seed);
        console.error(JSON.stringify(result));
        appendFileSync(file, `${JSON.stringify(result)}\n`);
      }
    }
  }
  table();
} finally {
  rmSync(work, { recursive: true, force: true });
}
