/**
 * What DoRA and gradient checkpointing cost and save: time of a step and peak memory while a model is trained, on full rows.
 *   node bench/step-costs.mjs MODEL [--batch 8] [--length 128] [--steps 6] [--only lora,dora]
 * MODEL is a folder or a starter; encoders classify, decoders write. The median step counts, without the first. Appends
 * each to bench/step-costs.jsonl and goes on from there when called again; prints the table. Linux alone says the peak.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cli, isStarter, modelName, Study, writeRows } from './study.mjs';
import { tickets } from './study-rows.mjs';

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: 'string', default: '8' },
    length: { type: 'string', default: '128' },
    steps: { type: 'string', default: '6' },
    only: { type: 'string' },
  },
});
const [model] = positionals;
if (!model) throw new Error('usage: node bench/step-costs.mjs MODEL [--batch 8] [--length 128] [--steps 6]');
const [batch, length, steps] = [given.batch, given.length, given.steps].map(Number);
const folder = isStarter(model) ? fileURLToPath(new URL(`../${model}`, import.meta.url)) : resolve(model);
const { model_type } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
const writes = !['bert', 'roberta', 'distilbert', 'xlm-roberta'].includes(model_type);

const lora = { type: 'lora', r: 8, lora_alpha: 16, lora_dropout: 0 };
/** @type {Record<string, object>} */
const VARIANTS = {
  lora: { strategy: lora, learning_rate: 1e-4 },
  dora: { strategy: { ...lora, use_dora: true }, learning_rate: 1e-4 },
  'lora+checkpointing': { strategy: lora, learning_rate: 1e-4, gradient_checkpointing: true },
  full: { strategy: { type: 'full' }, learning_rate: 1e-5 },
  'full+checkpointing': { strategy: { type: 'full' }, learning_rate: 1e-5, gradient_checkpointing: true },
};
const study = new Study('step-costs.jsonl', 'node bench/step-costs.mjs MODEL --batch N --length N');
const work = mkdtempSync(join(tmpdir(), 'luthier-step-costs-'));

/** Texts that are longer than a row: a token is a word at least. */
function write() {
  const texts = tickets().pool.map(({ text }) => text);
  const rows = Array.from({ length: batch * steps }, (_, i) => {
    const words = [];
    for (let at = 7 * i; words.length <= length; at++) words.push(...texts[at % texts.length].split(' '));
    return { text: words.join(' '), ...(!writes && { label: i % 2 ? 'yes' : 'no' }) };
  });
  writeRows(work, { rows });
}

/** @param {object} variant */
async function measure(variant) {
  const path = join(work, 'costs.recipe.json');
  const out = join(work, 'run');
  const task = writes ? { task: 'text-generation' } : {};
  const sizes = { per_device_train_batch_size: batch, max_length: length, max_steps: steps };
  const whole = { ...task, model: folder, dataset: 'rows.jsonl', validation_split: 0, logging_steps: 1, ...sizes };
  writeFileSync(path, JSON.stringify({ ...whole, ...variant }));
  const child = spawn(process.execPath, [cli, 'train', path, '--out', out, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  /** @type {any[]} */
  const events = [];
  let peak = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line);
    events.push(event);
    // The model is written behind the last step, which may take more than training did.
    if (event.event === 'step') peak = peakOf(JSON.parse(readFileSync(join(out, 'run.lock'), 'utf8')).pid) || peak;
  }
  rmSync(out, { recursive: true });
  const told = events.filter(({ event }) => event === 'step').slice(1);
  const ms = told.map(({ step_ms }) => step_ms).sort((a, b) => a - b);
  if (ms.length === 0) throw new Error(JSON.stringify(events.at(-1)));
  const { num_trainable_parameters } = events.find(({ event }) => event === 'start');
  return {
    ...{ step_ms: Math.round(ms[ms.length >> 1]), fastest_ms: Math.round(ms[0]), peak_training_bytes: peak },
    ...{
      peak_rss_bytes: events.at(-1).peak_rss_bytes,
      trained: num_trainable_parameters,
      losses: told.map((e) => e.loss),
    },
  };
}

/** The largest resident memory that a process has had. @param {number} pid */
function peakOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
}

const keyOf = (/** @type {string} */ name) => ({
  ...{
    model: modelName(model),
    variant: name,
    batch,
    length,
    settings: VARIANTS[name],
  },
});
const names = Object.keys(VARIANTS).filter((name) => !given.only || given.only.split(',').includes(name));
try {
  write();
  for (const name of names) {
    const line = await study.once(keyOf(name), () => measure(VARIANTS[name]));
    console.error(`${name}: ${line.step_ms} ms, ${(line.peak_training_bytes / 1e9).toFixed(2)} GB`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log('| | a step | peak while training | trained parameters |\n|---|---|---|---|');
for (const name of names) {
  const line = study.known(keyOf(name));
  if (line)
    console.log(
      `| ${name} | ${(line.step_ms / 1000).toFixed(2)} s | ${(line.peak_training_bytes / 1e9).toFixed(2)} GB | ${line.trained.toLocaleString('en')} |`,
    );
}
