// node test/fuzz/run.mjs [--seconds 110] [--cases 10000] [--seed N] [--reader NAME] [--case N]: gives every reader of
// files and messages broken input. Each must answer, or refuse in a sentence, in bounded time and memory; the seed is
// printed, and with a failure the command that plays it again. Ends with a line `N passed, M failed`.
import { fork } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '110' },
    cases: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    reader: { type: 'string' },
    case: { type: 'string' },
  },
});

const READERS = [
  'data',
  'dataset',
  'config',
  'tokenizer',
  'recipe',
  'prompt template',
  'safetensors',
  'record',
  'queue',
  'endpoint',
  'metrics',
  'evaluation',
  'run socket',
  'service',
];
/** A case that says nothing for so long hangs, however busy the machine is. */
const HANG_MS = 60_000;
/** Cases of a reader before the next one has its turn: each has had some when the time is over. */
const CHUNK = 250;
const MEMORY_MB = 2_048;

const seed = Number(options.seed ?? Math.floor(Math.random() * 2 ** 31));
const only = options.case === undefined ? null : Number(options.case);
const total = Number(options.cases);
const ends = Date.now() + 1000 * Number(options.seconds);
const readers = options.reader === undefined ? READERS : [options.reader];

const outdir = path.join(here, 'output');
await mkdir(outdir, { recursive: true });
const outfile = path.join(outdir, 'main.cjs');
await build({
  absWorkingDir: root,
  // Templates are filled in a thread, whose script is looked for beside the bundle.
  entryPoints: { main: 'test/fuzz/main.ts', 'prompt-thread': 'src/engine/prompts/thread.ts' },
  outdir,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  mainFields: ['module', 'main'],
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  external: ['onnxruntime-node', '@tensorflow/tfjs-node', 'vscode'],
  logLevel: 'error',
});

const failures = [];
const done = Object.fromEntries(readers.map((name) => [name, 0]));
console.log(`seed ${seed}`);

/**
 * Runs cases of a reader in a process of its own, and in another after one that ended it.
 * @param {string} reader
 * @param {number} from
 * @param {number} count
 */
async function play(reader, from, count) {
  const fail = (/** @type {number} */ number, /** @type {string} */ what) => {
    failures.push({ reader, number });
    const again = `node test/fuzz/run.mjs --seed ${seed} --reader '${reader}' --case ${number}`;
    console.error(`✗ ${reader}, case ${number}: ${what}\n  again: ${again}`);
  };
  for (let next = from; next < from + count; ) {
    let at = next;
    const child = fork(outfile, [JSON.stringify({ seed, reader, from: next, count: from + count - next })], {
      execArgv: [`--max-old-space-size=${MEMORY_MB}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let words = '';
    child.stderr?.on('data', (data) => {
      words = (words + data).slice(-2_000);
    });
    const outcome = await new Promise((resolve) => {
      /** @type {NodeJS.Timeout | undefined} */
      let timer;
      const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          child.kill('SIGKILL');
          resolve('hangs');
        }, HANG_MS);
      };
      wait();
      let finished = false;
      child.on('message', (/** @type {any} */ message) => {
        wait();
        if (message.case !== undefined) {
          at = message.case;
          if (only === null && Date.now() > ends) {
            child.kill('SIGKILL');
            at--;
            finished = true;
          }
        }
        if (message.failed !== undefined) fail(message.failed < 0 ? at : message.failed, message.what);
        if (message.done) finished = true;
      });
      child.on('exit', (code, signal) => {
        clearTimeout(timer);
        resolve(
          finished
            ? 'done'
            : `ended the process (${signal ?? code}): ${words.trim().split('\n').slice(0, 12).join('\n')}`,
        );
      });
    });
    done[reader] += at - next + 1;
    if (outcome === 'done') return;
    fail(at, outcome);
    next = at + 1;
  }
}

if (only !== null) await play(readers[0], only, 1);
else {
  for (let from = 0; from < total && Date.now() < ends; from += CHUNK) {
    for (const reader of readers) if (Date.now() < ends) await play(reader, from, Math.min(CHUNK, total - from));
  }
}
const cases = Object.entries(done).map(([name, count]) => `${name} ${count}`);
console.log(`cases: ${cases.join(', ')} (seed ${seed})`);
const sum = Object.values(done).reduce((a, b) => a + b, 0);
console.log(`${sum - failures.length} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
