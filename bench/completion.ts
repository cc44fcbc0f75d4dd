/**
 * How long a suggestion takes while somebody types through a text: the engine's service is asked as the editor asks it,
 * a request for each few keys, with 512 tokens of context, to the end of the line or 24 tokens. Times count from the key:
 * the editor's extension asks the engine `--debounce` milliseconds after it, and VS Code, which the answer waits for where
 * it is quicker, asks the extension 50 ms after it. Prints a line of JSON.
 *
 *     node dist/bench/completion.mjs [--model FOLDER | --smollm2 FOLDER] [--samples 120] [--debounce 0] [--file FILE]
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { windowOf } from '../src/completions/window.ts';
import { startersFolder } from '../src/engine/hub/resolve.ts';
import { Peer } from '../src/files/rpc.ts';
import {
  type CompletionAnswer,
  engineEnvironment,
  type ServiceNotifications,
  type ServiceRequests,
} from '../src/protocol/index.ts';
import { machine } from './results.ts';

/** Where the typing begins: behind more than the context. */
const START = 6_000;
/** VS Code's InlineCompletionsDebounce, which no setting changes. */
const EDITOR_MS = 50;
/** Characters that are typed between two requests; a pause between them is longer than VS Code waits. */
const KEYS = [1, 4, 2, 7, 3];

const root = dirname(startersFolder());
const { values: given } = parseArgs({
  options: {
    model: { type: 'string' },
    smollm2: { type: 'string' },
    samples: { type: 'string', default: '120' },
    /** `luthier.completions.debounce`. */
    debounce: { type: 'string', default: '0' },
    file: { type: 'string', default: join(root, 'src/engine/infer/writer.ts') },
  },
});
const model = resolve(given.smollm2 ?? given.model ?? join(startersFolder(), 'decoder'));
const [wanted, debounce] = [Number(given.samples), Number(given.debounce)];
const text = readFileSync(given.file, 'utf8');

const child = spawn(process.execPath, [join(root, 'dist/engine/service.cjs')], {
  stdio: ['pipe', 'pipe', 'inherit'],
  env: engineEnvironment(process.env, process.platform),
});
const peer = new Peer<ServiceRequests, Record<string, never>, ServiceNotifications>(child.stdout, child.stdin);
let host = 0;
peer.hear('log', ({ message }) => {
  host = Number(/^Process (\d+) answers/.exec(message)?.[1] ?? host);
});
peer.listen();
await peer.request('initialize', { client: 'bench' });
const loading = performance.now();
const prepared = await peer.request('completion/prepare', { model });
const prepare_ms = Math.round(performance.now() - loading);

const samples: { ms: number; answer: CompletionAnswer }[] = [];
const ask = async (at: number) => {
  const start = performance.now();
  const place = windowOf(text, at);
  const answer = await peer.request('completion/complete', {
    ...{ model, language: 'typescript', extent: 'line', maxTokens: 24 },
    ...place,
  });
  return { ms: performance.now() - start, answer };
};
// The file is opened: its context is read once.
const first = await ask(START);
const cpuBefore = cpuSeconds(host);
let cached = 0;
for (let [at, i] = [START, 0]; samples.length < wanted && at < text.length; i++) {
  at += KEYS[i % KEYS.length]!;
  const sample = await ask(at);
  if (sample.answer.cached) cached++;
  else samples.push(sample);
}
const cpu = cpuSeconds(host) - cpuBefore;
const tokens = samples.reduce((n, { answer }) => n + (answer.items[0]?.tokens ?? 1), 0);
const read = samples.reduce((n, { answer }) => n + answer.prompt - answer.reused, 0);
const times = samples.map(({ ms }) => Math.max(EDITOR_MS, debounce + ms)).sort((a, b) => a - b);
const at = (share: number) =>
  Math.round(times[Math.min(times.length - 1, Math.floor(share * times.length))]! * 10) / 10;
console.log(
  JSON.stringify({
    ...{ model, samples: samples.length, answered_from_cache: cached, debounce_ms: debounce, editor_ms: EDITOR_MS },
    ...{ p50_ms: at(0.5), p95_ms: at(0.95), first_ms: Math.round(first.ms), prepare_ms, eight_bit: prepared.eightBit },
    tokens_a_suggestion: Math.round((10 * tokens) / samples.length) / 10,
    tokens_read: Math.round((10 * read) / samples.length) / 10,
    prompt_tokens: samples.at(-1)?.answer.prompt,
    cpu_ms_per_suggestion: Math.round((1000 * cpu) / samples.length),
    cpu_ms_per_token: Math.round((10_000 * cpu) / (tokens + read)) / 10,
    machine: machine(),
  }),
);
peer.close();
child.kill();

/** Processor time that a process has had, where the system says it (Linux). */
function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}
