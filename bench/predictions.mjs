/**
 * Do predictions in 8 bits cost accuracy? Each seed a classifier, whose answers to the same test rows are computed in float
 * and as `predict_in_8bit` has them: in 8 bits with those layers in float that the check of the written model left there.
 *   node bench/predictions.mjs MODEL DATA [CELL…] [--seeds 1,2,3,4,5] [--minutes N]
 * MODEL is a folder (../shared/tools/fetch-minilm.sh makes MiniLM's) or a starter, DATA the folder that has sst2/ and
 * clinc150/; CELL is one of CELLS below, all of them without it. Appends each model to bench/predictions.jsonl and goes on
 * from there when called again; begins none after N minutes. Prints the table of what is there, and whether 8 bits may be
 * suggested: mean difference of all pairs at least −0.2 points, and the lower bound of its 95 % interval at least −1.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  chosenOf,
  cli,
  mean,
  modelName,
  placeOf,
  points,
  Study,
  studyArguments,
  verdict,
  writeRows,
} from './study.mjs';
import { CLINC_50, clinc, draw, sst2, tickets } from './study-rows.mjs';

/** @typedef {{ rows: (data: string) => import('./study-rows.mjs').Rows, many: { ofEach?: number, rows?: number }, recipe: object }} Cell */
/** @type {Record<string, Cell>} */
const CELLS = {
  sst2: { rows: sst2, many: { rows: 2000 }, recipe: { learning_rate: 5e-5, num_train_epochs: 1 } },
  clinc50: {
    ...{ rows: (data) => clinc(data, CLINC_50), many: { ofEach: 40 } },
    recipe: { learning_rate: 2e-4, num_train_epochs: 3 },
  },
  tickets: { rows: tickets, many: { ofEach: 40 }, recipe: { learning_rate: 2e-4, num_train_epochs: 6 } },
};

const { model, data, chosen, seeds, ends } = studyArguments('predictions.mjs MODEL DATA [CELL…]', {
  seeds: { type: 'string', default: '1,2,3,4,5' },
});
const cells = chosenOf(chosen, Object.keys(CELLS));
const study = new Study('predictions.jsonl', 'node bench/predictions.mjs MODEL DATA');

/** A fifth of the rows is held out: by what they show layers round, and on them the model is checked when it is written. @param {string} cell */
const settingsOf = (cell) => ({
  strategy: { type: 'full' },
  ...CELLS[cell].recipe,
  per_device_train_batch_size: 16,
  validation_split: 0.2,
});

/** @param {string} cell @param {string} _ @param {number} seed what a line of the file is found by */
function keyOf(cell, _, seed) {
  return { cell, model: modelName(model), seed, settings: { ...CELLS[cell].many, ...settingsOf(cell) } };
}

/** @param {string[]} args */
const luthier = (args) =>
  execFileSync(process.execPath, [cli, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  })
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** @param {string} folder @param {string} cell @param {string} _ @param {number} seed */
function measure(folder, cell, _, seed) {
  const { rows, many } = CELLS[cell];
  const { train, test } = draw(rows(data), seed, many);
  writeRows(folder, { train, test });
  const began = performance.now();
  const written = {
    ...{ model: placeOf(model), dataset: 'train.jsonl', seed, predict_in_8bit: true, backend: 'onnxruntime' },
    ...settingsOf(cell),
  };
  const [path, out] = [join(folder, 'study.recipe.json'), join(folder, 'run')];
  writeFileSync(path, JSON.stringify(written));
  luthier(['train', path, '--out', out, '--json']);
  const { luthier: own } = JSON.parse(readFileSync(join(out, 'model', 'config.json'), 'utf8'));
  const texts = join(folder, 'texts.csv');
  writeFileSync(texts, `text\n${test.map(({ text }) => `"${text.replaceAll('"', '""')}"`).join('\n')}\n`);
  const [narrow, float] = [[], ['--float']].map((flags) =>
    luthier(['predict', out, '--file', texts, '--backend', 'onnxruntime', '--json', ...flags]),
  );
  rmSync(out, { recursive: true });
  const correct = (/** @type {any[]} */ answers) =>
    answers.filter(({ label }, i) => label === test[i].label).length / test.length;
  if (narrow.length !== test.length || float.length !== test.length) throw new Error('some rows have no answer');
  return {
    ...{ accuracy: correct(narrow), accuracy_in_float: correct(float), n: test.length },
    ...{ other_labels: narrow.filter(({ label }, i) => label !== float[i].label).length, found: own?.predict_in_8bit },
    seconds: (performance.now() - began) / 1000,
  };
}

const runs = seeds.flatMap((seed) =>
  cells.map((cell) => /** @type {import('./study.mjs').Run} */ ([cell, '8 bits', seed])),
);
await study.measure(runs, { keyOf, measure, ends });

/** @type {number[]} */
const all = [];
console.log('| | float | 8 bits | difference in points | rows with another label |\n|---|---|---|---|---|');
for (const cell of cells) {
  const known = seeds.map((seed) => study.known(keyOf(cell, '', seed))).filter(Boolean);
  if (known.length === 0) continue;
  const differences = known.map((line) => line.accuracy - line.accuracy_in_float);
  all.push(...differences);
  const [float, narrow] = ['accuracy_in_float', 'accuracy'].map((side) => mean(known.map((line) => line[side])));
  const others = known.map((line) => `${line.other_labels} of ${line.n}`).join(', ');
  console.log(`| ${cell} | ${float.toFixed(4)} | ${narrow.toFixed(4)} | ${points(differences)} | ${others} |`);
}
if (all.length > 0)
  console.log(
    `\n${verdict(
      all.map((difference) => 100 * difference),
      cells.length * seeds.length,
    )}`,
  );
