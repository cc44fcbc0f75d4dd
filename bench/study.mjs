/**
 * What the studies of quality have in common: their arguments, the loop over their runs, a run of Luthier and of a peer,
 * a file that they go on from, and statistics.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** The build that is measured. */
export const cli = process.env.LUTHIER_CLI ?? fileURLToPath(new URL('../dist/engine/cli.cjs', import.meta.url));

/** Of all cores together, the share that works below which the machine counts as idle. */
const IDLE = 0.1;

/** Of a study with a peer: the Python that runs it; without one, that side is left out. */
export const PEER = /** @type {const} */ ({
  python: { type: 'string', default: process.env.LUTHIER_PEER_PYTHON ?? '' },
});

/**
 * What a study is asked for: `MODEL DATA [CELL…] [--seeds 1,2,3] [--minutes N]`.
 * @param {string} usage the study's file, and what it takes
 * @param {Record<string, { type: 'string', default?: string }>} [own] options of this study alone
 */
export function studyArguments(usage, own = {}) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seeds: { type: 'string', default: '1,2,3' },
      minutes: { type: 'string', default: 'Infinity' },
      ...own,
    },
  });
  const [model, data, ...chosen] = positionals;
  if (!model || !data) throw new Error(`usage: node bench/${usage} (see the file’s first lines)`);
  const [seeds, minutes] = [values.seeds.split(',').map(Number), Number(values.minutes)];
  if (!seeds.every(Number.isInteger))
    throw new Error(`--seeds is ${values.seeds}; it must be whole numbers, with commas`);
  if (!(minutes >= 0)) throw new Error(`--minutes is ${values.minutes}; it must be a number from 0 on`);
  /** No run begins then, by performance.now. */
  const ends = performance.now() + 60_000 * minutes;
  /** @type {Record<string, string | undefined>} */
  const options = Object.fromEntries(Object.keys(own).map((name) => [name, /** @type {any} */ (values)[name]]));
  return { model, data, chosen, seeds, ends, options };
}

/**
 * The names that are chosen of all that there are.
 * @param {readonly string[]} chosen without any, all are
 * @param {readonly string[]} all
 */
export function chosenOf(chosen, all) {
  for (const name of chosen) if (!all.includes(name)) throw new Error(`${name} is none of ${all.join(', ')}`);
  return chosen.length > 0 ? chosen : all;
}

/** @typedef {[cell: string, method: string, seed: number]} Run */

/**
 * A file of measured lines, one a run. A line counts for the settings that it was measured with: where they have changed
 * since, it is measured again.
 */
export class Study {
  #file;
  #command;

  /** @param {string} name of the file beside this one @param {string} command that measures, without paths of a machine */
  constructor(name, command) {
    this.#file = fileURLToPath(new URL(name, import.meta.url));
    this.#command = command;
  }

  /** @returns {any[]} */
  get lines() {
    if (!existsSync(this.#file)) return [];
    const lines = readFileSync(this.#file, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line));
  }

  /** @param {object} key what a line is found by; `settings` are a part of it @returns {any} */
  known(key) {
    const wanted = Object.entries(key).map(([name, value]) => [name, JSON.stringify(value)]);
    return this.lines.findLast((line) => wanted.every(([name, value]) => JSON.stringify(line[name]) === value));
  }

  /**
   * A run's line, measured now unless it is known.
   * @param {object} key
   * @param {() => object | Promise<object>} measure
   */
  async once(key, measure) {
    const known = this.known(key);
    if (known) return known;
    const machine = { cpu: cpus()[0]?.model, cores: cpus().length, date: new Date().toISOString().slice(0, 16) };
    const busy_before = busyShare();
    const before = { busy_before, idle: busy_before < IDLE, load_before: Number(loadavg()[0].toFixed(2)) };
    const line = { ...key, ...(await measure()), ...before, ...machine, command: this.#command };
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`);
    return line;
  }

  /**
   * Measures what is not known yet, one run after the other, and says how each did. `keyOf` is what a run's line is found
   * by, `measure` writes into a folder that is gone afterwards, and no run begins after `ends`.
   * @param {Iterable<Run>} runs
   * @param {{ keyOf: (...run: Run) => object, measure: (folder: string, ...run: Run) => object, ends: number }} by
   */
  async measure(runs, { keyOf, measure, ends }) {
    const folder = mkdtempSync(join(tmpdir(), 'luthier-study-'));
    try {
      for (const run of runs) {
        const [cell, method, seed] = run;
        const key = keyOf(...run);
        if (performance.now() > ends && !this.known(key)) continue;
        const { accuracy, loss, n, seconds } = await this.once(key, () => measure(folder, ...run));
        console.error(
          `${cell}, ${method}, seed ${seed}: ${accuracy === undefined ? `loss ${loss.toFixed(3)}` : accuracy.toFixed(3)} of ${n} rows in ${seconds.toFixed(0)} s`,
        );
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** Share of the cores' time that is not idle, in a second in which this process waits. */
function busyShare() {
  const read = () =>
    cpus().reduce(
      ([idle, all], { times }) => [idle + times.idle, all + Object.values(times).reduce((a, b) => a + b, 0)],
      [0, 0],
    );
  const [idle, all] = read();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  const [idleThen, allThen] = read();
  return Number((1 - (idleThen - idle) / Math.max(1, allThen - all)).toFixed(3));
}

/** @param {string} model */
export const isStarter = (model) => model.startsWith('starters/');

/** What a model's folder calls it, wherever the folder is. @param {string} folder or a starter, whose name is its place */
export function modelName(folder) {
  if (isStarter(folder)) return folder;
  const { _name_or_path: name } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  return basename(name ?? folder);
}

/** LoRA as src/engine/strategies/lora.ts suggests it for a BERT. */
export const LORA = {
  ...{ type: 'lora', r: 8, lora_alpha: 16, lora_dropout: 0.05, target_modules: ['query', 'value'] },
  load_in_8bit: true,
};

/** Whole epochs that make at least so many steps, in batches as src/protocol/suggestion.ts has them. @param {number} steps @param {number} rows */
export function epochsFor(steps, rows) {
  const per_device_train_batch_size = rows < 80 ? 4 : rows < 300 ? 8 : 16;
  return {
    num_train_epochs: Math.ceil(steps / Math.ceil(rows / per_device_train_batch_size)),
    per_device_train_batch_size,
  };
}

/** @param {string} folder @param {Record<string, object[]>} parts rows of each file, by its name without the extension */
export function writeRows(folder, parts) {
  for (const [name, rows] of Object.entries(parts))
    writeFileSync(join(folder, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

/**
 * Trains a model on the train.jsonl of a folder and measures it on its test.jsonl. `seconds` are those of the whole
 * command, from the start of its process until it has ended, the test rows and the written model included; `train_s` those
 * from the run's start until what is trained last is.
 * @param {{ folder: string, model: string, seed: number }} job
 * @param {object} settings more of the recipe
 */
export function train({ folder, model, seed }, settings) {
  const path = join(folder, 'study.recipe.json');
  const out = join(folder, 'run');
  const dataset = { train: 'train.jsonl', test: 'test.jsonl' };
  writeFileSync(path, JSON.stringify({ model: placeOf(model), dataset, validation_split: 0, seed, ...settings }));
  const began = performance.now();
  const stdout = execFileSync(process.execPath, [cli, 'train', path, '--out', out, '--json'], {
    encoding: 'utf8',
    // What it says to people is in an error's message only.
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  });
  const seconds = (performance.now() - began) / 1000;
  rmSync(out, { recursive: true });
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const last = (/** @type {string} */ name) => events.findLast(({ event }) => event === name);
  const { metrics, n } = events.findLast(({ event, split }) => event === 'eval' && split === 'test');
  const done = last('done');
  const trained = last('solved') ?? last('step');
  return {
    ...{
      accuracy: metrics.accuracy,
      f1_macro: metrics.f1_macro,
      loss: metrics.loss,
      n,
      steps: done.step,
      seconds: round(seconds),
    },
    ...{ train_s: round(trained.time - last('start').time), peak_rss_bytes: done.peak_rss_bytes },
  };
}

/**
 * The same by a script of PyTorch, which writes {"accuracy", "f1_macro", "n", "train_s", …} as its last line.
 * @param {string} python
 * @param {string} script its name in bench/peers
 * @param {{ folder: string, model: string, seed: number }} job
 * @param {object} more of what the script is told
 */
export function trainPeer(python, script, { folder, model, seed }, more) {
  const path = fileURLToPath(new URL(`peers/${script}`, import.meta.url));
  const [rows, test] = [join(folder, 'train.jsonl'), join(folder, 'test.jsonl')];
  const job = { model: placeOf(model), train: rows, test, seed, ...more };
  const began = performance.now();
  const stdout = execFileSync(python, [path, JSON.stringify(job)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
    env: { ...process.env, HF_HUB_OFFLINE: '1', TOKENIZERS_PARALLELISM: 'false' },
  });
  const seconds = (performance.now() - began) / 1000;
  const answer = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  return { ...answer, train_s: round(answer.train_s), seconds: round(seconds) };
}

/** A model as it is found from any folder. @param {string} model */
export const placeOf = (model) => (isStarter(model) ? model : resolve(model));

const round = (/** @type {number} */ seconds) => Number(seconds.toFixed(2));

/** @param {readonly number[]} values */
export const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

/** 97.5 % points of Student's t, by degrees of freedom from 1 on (Fisher and Yates 1963, table III). */
const STUDENT = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045,
];

/** Half the 95 % interval of a mean by Student's t; null for less than two values, or more than thirty. @param {readonly number[]} values */
export function halfInterval(values) {
  const t = STUDENT[values.length - 2];
  if (t === undefined) return null;
  const middle = mean(values);
  const variance = values.reduce((sum, x) => sum + (x - middle) ** 2, 0) / (values.length - 1);
  return t * Math.sqrt(variance / values.length);
}

/**
 * Whether something may be suggested for what it costs in accuracy.
 * @param {readonly number[]} differences of pairs, in points
 * @param {number} wanted pairs
 * @returns {string} a sentence with what it is judged by: a mean of at least −0.2, and 95 % certain that it is at least −1
 */
export function verdict(differences, wanted) {
  const [leastMean, leastBound] = [-0.2, -1];
  const [middle, half] = [mean(differences), halfInterval(differences)];
  const few = `${differences.length} of ${wanted} pairs`;
  if (half === null) return `${few}: not decided.`;
  const may = middle >= leastMean && middle - half >= leastBound;
  const decided = differences.length < wanted ? 'not decided' : `8 bits may ${may ? '' : 'not '}be suggested`;
  return `${few}: mean difference ${middle.toFixed(2)} points (at least ${leastMean}), lower bound of its 95 % interval ${(middle - half).toFixed(2)} (at least ${leastBound}): ${decided}.`;
}

/** Differences of two sides seed by seed, in points: their mean and its interval. @param {readonly number[]} differences */
export function points(differences) {
  const half = halfInterval(differences);
  const signed = (/** @type {number} */ x) => `${x < 0 ? '−' : '+'}${Math.abs(100 * x).toFixed(1)}`;
  return half === null ? signed(mean(differences)) : `${signed(mean(differences))} ± ${(100 * half).toFixed(1)}`;
}

/** Shares as people read them: the mean, and each. @param {readonly number[]} values */
export const shares = (values) =>
  `${mean(values).toFixed(3)} (${values.map((value) => value.toFixed(3).slice(1)).join(' ')})`;
