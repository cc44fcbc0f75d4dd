// node scripts/same-as.mjs COMMIT [CASE…]: builds COMMIT beside this checkout, trains both by the same recipes with every
// key spelt out, on this machine in this run, and prints for each case `equal` or the first thing that differs:
// losses, norms and rates of every step, metrics of every evaluation, bytes of the written weights.
// For changes that must not move a number. Exit code 0 when all cases are equal.
// node scripts/same-as.mjs COMMIT --pairs 5 [CASE…]: builds both likewise, and lets cases of `luthier bench` that need no
// peer take turns: their times, new over old. For a machine on which nothing else runs.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Every key, so that a default that changes does not look like arithmetic that changed. */
const RECIPE = {
  task: 'text-classification',
  dataset: 'rows.csv',
  columns: { text: 'text', label: 'label' },
  strategy: { type: 'full' },
  learning_rate: 2e-4,
  num_train_epochs: 3,
  max_steps: 10,
  per_device_train_batch_size: 8,
  per_device_eval_batch_size: 16,
  gradient_accumulation_steps: 1,
  weight_decay: 0.01,
  adam_beta1: 0.9,
  adam_beta2: 0.999,
  adam_epsilon: 1e-8,
  max_grad_norm: 1,
  warmup_steps: 2,
  lr_scheduler_type: 'linear',
  label_smoothing_factor: 0,
  max_length: 64,
  seed: 42,
  validation_split: 0.2,
  eval_steps: 5,
  save_steps: 4,
  save_total_limit: 2,
  logging_steps: 1,
  metric_for_best_model: 'f1_macro',
  early_stopping_patience: 0,
  backend: 'onnxruntime',
};

const lora = { type: 'lora', r: 8, lora_alpha: 16, lora_dropout: 0.05, target_modules: ['query', 'value'] };
/** @type {Record<string, { resumed?: boolean, [key: string]: unknown }>} */
const CASES = {
  full: {},
  freeze: { strategy: { type: 'freeze', num_frozen_layers: 4 } },
  head: { strategy: { type: 'head' } },
  lora: { strategy: lora },
  'freeze in 8 bits': { strategy: { type: 'freeze', num_frozen_layers: 4, load_in_8bit: true } },
  'lora in 8 bits': { strategy: { ...lora, load_in_8bit: true } },
  pairs: { dataset: 'pairs.csv', columns: { text: 'first', text_pair: 'second', label: 'label' } },
  accumulation: { gradient_accumulation_steps: 3, max_steps: 5 },
  'pause and resume': { max_steps: 12, resumed: true },
};

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} options
 */
function must(command, args, options) {
  const { status, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    ...options,
  });
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${status}: ${stderr}`);
}

/**
 * COMMIT as a folder of its own, with the packages of this checkout where its lock file asks for the same ones.
 * @param {string} commit
 * @param {string} folder
 */
function checkOut(commit, folder) {
  must('git', ['worktree', 'add', '--detach', folder, commit], { cwd: root });
  const lock = (/** @type {string} */ where) => readFileSync(path.join(where, 'package-lock.json'), 'utf8');
  if (lock(folder) === lock(root))
    symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  else
    must('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      shell: process.platform === 'win32',
    });
}

/**
 * Rows of the examples, each text once, short enough that nothing is cut.
 * @param {string} folder
 */
function writeData(folder) {
  const lines = readFileSync(path.join(root, 'examples/tickets.csv'), 'utf8').split('\n').slice(1);
  const seen = new Set();
  const rows = [];
  for (const line of lines) {
    const found = /^\d+,([^",]{20,200}),([a-z_ -]+)$/i.exec(line.trim());
    if (!found || seen.has(found[1].toLowerCase())) continue;
    seen.add(found[1].toLowerCase());
    rows.push([found[1], found[2]]);
    if (rows.length === 120) break;
  }
  if (rows.length < 100) throw new Error(`examples/tickets.csv gave only ${rows.length} rows.`);
  writeFileSync(path.join(folder, 'rows.csv'), `text,label\n${rows.map((row) => row.join(',')).join('\n')}\n`);
  const pairs = rows.map(([text, label]) => {
    const words = text.split(' ');
    const half = words.length >> 1;
    return [words.slice(0, half).join(' '), words.slice(half).join(' '), label].join(',');
  });
  writeFileSync(path.join(folder, 'pairs.csv'), `first,second,label\n${pairs.join('\n')}\n`);
}

/** @param {string} run */
const eventsOf = (run) => {
  const file = path.join(run, 'metrics.jsonl');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return []; // The last line, while it is written.
    }
  });
};

/**
 * @param {string} checkout
 * @param {string} recipe
 * @param {string} run
 * @param {boolean} resumed
 */
async function train(checkout, recipe, run, resumed) {
  const cli = path.join(checkout, 'dist/engine/cli.cjs');
  const luthier = (/** @type {string[]} */ ...args) => {
    const child = spawn(process.execPath, [cli, ...args], {
      cwd: path.dirname(recipe),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (data) => {
      errors += data;
    });
    return new Promise((resolve) => {
      child.on('close', (code) => resolve({ code, errors }));
    });
  };
  const ended = luthier('train', recipe, '--out', run, '--json');
  if (resumed) {
    while (!eventsOf(run).some(({ event, step }) => event === 'checkpoint' && step >= 4)) {
      if (await Promise.race([ended.then(() => true), sleep(20, false)])) break;
    }
    // Killed, so that what goes on is what was on the disk.
    const { pid } = JSON.parse(readFileSync(path.join(run, 'endpoint.json'), 'utf8'));
    process.kill(pid, 'SIGKILL');
    await ended;
    const { code, errors } = await luthier('runs', 'resume', run, '--json');
    if (code !== 0) throw new Error(`The run could not be resumed: ${errors}`);
    return;
  }
  const { code, errors } = await ended;
  if (code !== 0) throw new Error(`luthier train ended with ${code}: ${errors}`);
}

/**
 * What must be equal, by name; of a step that was computed twice (before and after a resume) both.
 * @param {string} run
 */
function figuresOf(run) {
  /** @type {[string, unknown][]} */
  const figures = [];
  for (const event of eventsOf(run)) {
    if (event.event === 'step') {
      for (const key of ['loss', 'grad_norm', 'learning_rate']) figures.push([`step ${event.step} ${key}`, event[key]]);
    } else if (event.event === 'eval') {
      for (const [key, value] of Object.entries(event.metrics))
        figures.push([`step ${event.step} ${event.split} ${key}`, value]);
    }
  }
  const weights = readFileSync(path.join(run, 'model/model.safetensors'));
  // Behind the header, which may hold other words about the same numbers.
  const data = weights.subarray(8 + Number(weights.readBigUInt64LE(0)));
  figures.push(['written weights', createHash('sha256').update(data).digest('hex')]);
  // The last word on each: a resumed run says steps again that its predecessor had said.
  return new Map(figures);
}

/**
 * @param {Map<string, unknown>} before
 * @param {Map<string, unknown>} after
 */
function firstDifference(before, after) {
  for (const [name, value] of before) {
    if (!after.has(name)) return `${name}: ${value} before, absent now`;
    if (!Object.is(after.get(name), value)) return `${name}: ${value} before, ${after.get(name)} now`;
  }
  return null;
}

async function main() {
  const { values, positionals } = parseArgs({ options: { pairs: { type: 'string' } }, allowPositionals: true });
  const [commit, ...wanted] = positionals;
  const unknown = values.pairs ? [] : wanted.filter((name) => !(name in CASES));
  if (!commit || unknown.length > 0) {
    console.error(`usage: node scripts/same-as.mjs COMMIT [CASE…]; cases: ${Object.keys(CASES).join(', ')}`);
    console.error('       node scripts/same-as.mjs COMMIT --pairs N [CASE…]; cases: those of luthier bench');
    return 2;
  }
  const work = mkdtempSync(path.join(tmpdir(), 'luthier-same-'));
  const other = path.join(work, 'checkout');
  let differing = 0;
  try {
    checkOut(commit, other);
    const builds = values.pairs ? ['engine', 'bench'] : ['engine'];
    for (const checkout of [other, root]) must(process.execPath, ['esbuild.mjs', ...builds], { cwd: checkout });
    if (values.pairs) {
      const args = ['dist/bench/main.mjs', '--against', other, '--pairs', values.pairs, ...wanted];
      return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
    }
    writeData(work);
    for (const [name, { resumed = false, ...keys }] of Object.entries(CASES)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      const slug = name.replaceAll(' ', '-');
      const recipe = path.join(work, `${slug}.recipe.json`);
      writeFileSync(recipe, JSON.stringify({ ...RECIPE, model: path.join(root, 'starters/bert'), ...keys }));
      const runs = [path.join(work, `${slug}-before`), path.join(work, `${slug}-now`)];
      await train(other, recipe, runs[0], resumed);
      await train(root, recipe, runs[1], resumed);
      const [before, now] = runs.map(figuresOf);
      const difference = firstDifference(before, now);
      if (difference) differing++;
      console.log(`${name}: ${difference ?? `equal (${before.size} figures)`}`);
    }
  } finally {
    spawnSync('git', ['worktree', 'remove', '--force', other], { cwd: root });
    rmSync(work, { recursive: true, force: true });
  }
  return differing === 0 ? 0 : 1;
}

process.exitCode = await main();
