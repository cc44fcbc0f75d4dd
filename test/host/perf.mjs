// node test/host/perf.mjs: how long the extension host takes to list 500 runs and 50 data sets, and to read a run of
// 100,000 logged steps, with the longest time that it kept others from their turn. A measurement, not a test.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const folder = await mkdtemp(path.join(tmpdir(), 'luthier-perf-'));

async function load() {
  const outfile = path.join(folder, 'host.cjs');
  const names = ['runs/store', 'datasets/store', 'views/feed'];
  await build({
    stdin: {
      contents: names.map((name) => `export * from './${name}.ts';`).join('\n'),
      resolveDir: `${root}/src/extension`,
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
  });
  return createRequire(import.meta.url)(outfile);
}

/**
 * Does something and says how long it took, and how long a 1 ms timer had to wait at most.
 * @param {string} what
 * @param {() => unknown} work
 */
async function timed(what, work) {
  let before = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - before);
    before = now;
  }, 1);
  const started = performance.now();
  await work();
  const took = performance.now() - started;
  await new Promise((resolve) => setTimeout(resolve, 5));
  clearInterval(timer);
  console.log(`${what}: ${took.toFixed(0)} ms, longest block ${longest.toFixed(1)} ms`);
}

try {
  const { RunStore, DatasetStore, RunFeed } = await load();
  const home = path.join(folder, '.luthier');
  const record = (/** @type {string} */ id) => ({
    ...{
      format: 1,
      id,
      name: id,
      note: '',
      state: 'done',
      recipe: { model: 'm', dataset: 'rows.csv' },
      recipe_path: null,
    },
    ...{ created_at: new Date().toISOString(), started_at: null, finished_at: null, step: 9, total_steps: 9 },
    ...{
      labels: ['a', 'b'],
      best: { step: 9, metrics: { accuracy: 0.9 } },
      model: 'model',
      error: null,
      environment: null,
    },
  });
  for (let i = 0; i < 500; i++) {
    const run = path.join(home, 'runs', `run-${i}`);
    await mkdir(run, { recursive: true });
    await writeFile(path.join(run, 'run.json'), JSON.stringify(record(`run-${i}`)));
  }
  for (let i = 0; i < 50; i++) {
    const set = path.join(home, 'datasets', `set-${i}`);
    await mkdir(set, { recursive: true });
    await writeFile(
      path.join(set, 'dataset.json'),
      JSON.stringify({ format: 1, name: `set-${i}`, rows: 9, labels: ['a'] }),
    );
  }
  const long = path.join(home, 'runs', 'run-0');
  const step = { event: 'step', time: 1.8e9, epoch: 1, loss: 0.5, learning_rate: 1e-5, grad_norm: 1, eta_s: 9 };
  const lines = Array.from({ length: 100_000 }, (_, i) =>
    JSON.stringify({ ...step, step: i + 1, tokens_per_second: 1000, step_ms: 100, rss_bytes: 1e9 }),
  );
  await writeFile(path.join(long, 'metrics.jsonl'), `${lines.join('\n')}\n`);

  const log = { info() {}, warn: console.warn, error: console.error, debug() {} };
  const store = new RunStore({ log, client: 'perf', mayConnect: () => false });
  await timed('500 runs listed', () => store.setHomes([home]));
  if (store.all().length !== 500) throw new Error(`${store.all().length} runs were listed.`);
  await timed('a second look at them', () => store.refresh());
  store.dispose();
  const sets = new DatasetStore({
    service: { request: () => Promise.reject(new Error('A list reads no rows.')) },
    homes: () => [home],
    find: async () => [],
    added: { get: () => [], set: async () => {} },
  });
  await timed('50 data sets listed', async () => {
    if ((await sets.list()).length !== 50) throw new Error('Some are missing.');
  });
  const feed = new RunFeed(long);
  await timed('a run of 100,000 steps read', () => feed.read());
  if (feed.steps.column('step').length !== 100_000) throw new Error('Some steps are missing.');
} finally {
  await rm(folder, { recursive: true, force: true });
}
