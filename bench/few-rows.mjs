/**
 * Which way is best for few rows? Each strategy with N rows of each class of a dataset, as every door suggests it, measured
 * on all other rows.
 *   node bench/few-rows.mjs MODEL DATA ROWS [STRATEGY…] [--seeds 1,2,3]
 * MODEL is a folder or a starter, DATA a file with the columns `text` and `intent` or `label` (examples/tickets.csv), ROWS
 * the rows of each class; STRATEGY is one of those below, all of them without it. Appends each run to bench/few-rows.jsonl
 * and goes on from there when called again; prints the table. LUTHIER_CLI names another build than dist/engine/cli.cjs.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** As `suggestedTraining` and the strategies suggest them for so few rows. @type {Record<string, object>} */
const STRATEGIES = {
  head: { strategy: { type: 'head', solver: 'lbfgs' } },
  'few-shot': { strategy: { type: 'few-shot', num_iterations: 20 } },
  lora: {
    strategy: { type: 'lora', r: 8, lora_alpha: 16, lora_dropout: 0.05, target_modules: ['query', 'value'] },
    ...{ learning_rate: 1e-3, num_train_epochs: 8, per_device_train_batch_size: 4 },
  },
  full: {
    strategy: { type: 'full' },
    ...{ learning_rate: 5e-5, num_train_epochs: 8, per_device_train_batch_size: 4 },
  },
};

const given = process.argv.slice(2);
const at = given.indexOf('--seeds');
const seeds = (at < 0 ? '1,2,3' : given.splice(at, 2)[1]).split(',').map(Number);
const [model, data, count, ...chosen] = given;
if (!model || !data || !count)
  throw new Error('usage: node bench/few-rows.mjs MODEL DATA ROWS [STRATEGY…] [--seeds 1,2]');
const isStarter = model.startsWith('starters/');
const file = fileURLToPath(new URL('few-rows.jsonl', import.meta.url));
const cli = process.env.LUTHIER_CLI ?? fileURLToPath(new URL('../dist/engine/cli.cjs', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'luthier-few-rows-'));

/** Rows of a comma-separated file, quoted cells whole, of several lines too. @param {string} path */
function readRows(path) {
  /** @type {string[][]} */
  const rows = [[]];
  for (const [, cell, end] of `${readFileSync(path, 'utf8').trim()}\n`.matchAll(/("(?:[^"]|"")*"|[^,\n]*)([,\n])/g)) {
    rows.at(-1)?.push(cell);
    if (end === '\n') rows.push([]);
  }
  const [names, ...others] = rows.slice(0, -1);
  const text = names.indexOf('text');
  const label = names.findIndex((name) => name === 'intent' || name === 'label');
  return others.map((cells) => ({ line: `${cells[text]},${cells[label]}`, label: cells[label] }));
}

/**
 * The same order on every machine: mulberry32.
 * @param {{ line: string, label: string }[]} rows
 * @param {number} seed
 */
function shuffled(rows, seed) {
  let a = seed;
  const random = () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return rows
    .map((row) => ({ row, by: random() }))
    .sort((x, y) => x.by - y.by)
    .map(({ row }) => row);
}

/** @param {string} name @param {number} seed */
function train(name, seed) {
  const seen = new Map();
  const parts = { train: ['text,label'], test: ['text,label'] };
  for (const { line, label } of shuffled(readRows(data), seed)) {
    const n = seen.get(label) ?? 0;
    seen.set(label, n + 1);
    parts[n < Number(count) ? 'train' : 'test'].push(line);
  }
  for (const [part, lines] of Object.entries(parts)) writeFileSync(join(work, `${part}.csv`), `${lines.join('\n')}\n`);
  const settings = STRATEGIES[name];
  const rate = isStarter && name === 'full' ? { learning_rate: 2e-4 } : {};
  const recipe = join(work, 'few.recipe.json');
  const dataset = { train: 'train.csv', test: 'test.csv' };
  const whole = { model: isStarter ? model : resolve(model), dataset, validation_split: 0, seed, ...settings, ...rate };
  writeFileSync(recipe, JSON.stringify(whole));
  const out = join(work, 'run');
  const lines = execFileSync(process.execPath, [cli, 'train', recipe, '--out', out, '--json'], { encoding: 'utf8' });
  rmSync(out, { recursive: true });
  const events = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const { metrics, n } = events.findLast((event) => event.event === 'eval' && event.split === 'test');
  const { wall_s, peak_rss_bytes, step } = events.at(-1);
  return {
    ...{ model: basename(model), data: basename(data), rows: Number(count), strategy: name, seed, n, step },
    ...{ accuracy: metrics.accuracy, f1_macro: metrics.f1_macro, wall_s, peak_rss_bytes, cpu: cpus()[0].model },
  };
}

const read = () =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .filter(Boolean)
        .map((l) => JSON.parse(l))
    : [];
const of = (/** @type {string} */ name) => (/** @type {any} */ run) =>
  run.model === basename(model) && run.data === basename(data) && run.rows === Number(count) && run.strategy === name;
for (const seed of seeds) {
  for (const name of chosen.length > 0 ? chosen : Object.keys(STRATEGIES)) {
    if (read().some((run) => of(name)(run) && run.seed === seed)) continue;
    const run = train(name, seed);
    appendFileSync(file, `${JSON.stringify(run)}\n`);
    console.error(
      `${name}, seed ${seed}: accuracy ${run.accuracy.toFixed(3)} of ${run.n} rows in ${run.wall_s.toFixed(0)} s`,
    );
  }
}
const mean = (/** @type {number[]} */ values) => values.reduce((a, b) => a + b, 0) / values.length;
console.log('| strategy | accuracy | macro F1 | seconds | seeds |\n|---|---|---|---|---|');
for (const name of Object.keys(STRATEGIES)) {
  const runs = read().filter(of(name));
  if (runs.length === 0) continue;
  const of3 = (/** @type {string} */ key) => mean(runs.map((run) => run[key])).toFixed(3);
  const each = runs.map((run) => run.accuracy.toFixed(3)).join(', ');
  console.log(
    `| \`${name}\` | ${of3('accuracy')} (${each}) | ${of3('f1_macro')} | ${mean(runs.map((run) => run.wall_s)).toFixed(0)} | ${runs.map((run) => run.seed).join(', ')} |`,
  );
}
rmSync(work, { recursive: true });
