// node test/webview/record-comparisons.mjs [ways|models|search|halving…]: compares on the examples, and keeps what the
// comparisons' files say, as their page is sent it, in figures/. Build first: node esbuild.mjs engine. `models` also
// takes the folder of all-MiniLM-L6-v2, $LUTHIER_MINILM, as the second model.
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const cli = path.join(root, 'dist/engine/cli.cjs');
/** Where the pages' person works. */
const SHOP = '/home/ada/support';

const [header, ...lines] = (await readFile(path.join(root, 'examples/tickets.csv'), 'utf8'))
  .split('\n')
  .filter(Boolean);
/** Rows that stand on one line. */
const rows = lines.filter((line) => /^\d+,.*,[a-z_]+$/.test(line) && line.split('"').length % 2 === 1);
const csv = (/** @type {number} */ n) => `${[header, ...rows.slice(0, n)].join('\n')}\n`;

const search = (/** @type {object} */ of, /** @type {object} */ keys) => ({
  version: 2,
  task: 'text-classification',
  model: 'starters/bert',
  dataset: 'tickets.csv',
  validation_split: 0.3,
  max_length: 32,
  ...keys,
  search: {
    ...of,
    values: {
      learning_rate: { min: 1e-5, max: 1e-3, scale: 'log' },
      per_device_train_batch_size: [8, 16],
    },
  },
});

/** @type {Record<string, { rows: number, recipe?: object, args: () => string[], stops?: number }>} */
const cases = {
  // Interrupted once when so many candidates are done, and resumed.
  ways: {
    rows: 300,
    args: () => 'compare-ways tickets.csv --model starters/bert --minutes 6 --set max_length=48'.split(' '),
    stops: 2,
  },
  models: {
    rows: 60,
    args: () =>
      'compare-models tickets.csv --models starters/bert,all-MiniLM-L6-v2 --minutes 8 --set max_length=32'.split(' '),
  },
  search: {
    rows: 160,
    recipe: search({ method: 'random', trials: 12 }, { num_train_epochs: 3 }),
    args: () => ['train', 'tickets.recipe.json'],
  },
  halving: {
    rows: 100,
    recipe: search({ method: 'halving', trials: 9 }, { num_train_epochs: 9 }),
    args: () => ['train', 'tickets.recipe.json'],
  },
};

/**
 * The comparison in a folder as it is now; null before there is one.
 * @param {string} folder
 */
async function comparisonIn(folder) {
  const place = path.join(folder, '.luthier/comparisons');
  const [name] = (await readdir(place).catch(() => [])).filter((file) => file.endsWith('.json'));
  if (!name) return null;
  try {
    return JSON.parse(await readFile(path.join(place, name), 'utf8'));
  } catch {
    return null;
  }
}

const isDone = (/** @type {{ state: string }} */ { state }) => state === 'done';

/**
 * @param {string} folder
 * @param {string[]} args
 * @param {((comparison: import('../../src/protocol/index.ts').Comparison) => Promise<boolean>) | null} ends whether it is to be interrupted
 */
async function work(folder, args, ends) {
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  const end = new Promise((resolve) => child.once('close', resolve));
  let over = false;
  void end.then(() => {
    over = true;
  });
  while (!over && ends) {
    const now = await comparisonIn(folder);
    if (now && (await ends(now))) {
      child.kill('SIGINT');
      break;
    }
    await Promise.race([end, new Promise((resolve) => setTimeout(resolve, 500))]);
  }
  return await end;
}

const wanted = process.argv.slice(2);
for (const [name, { rows: n, recipe, args, stops }] of Object.entries(cases)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const folder = await mkdtemp(path.join(tmpdir(), 'luthier-record-'));
  const keep = async (/** @type {string} */ file, /** @type {any} */ comparison) => {
    const text = JSON.stringify({ command: `luthier ${args().join(' ')}`, comparison }).replaceAll(folder, SHOP);
    await mkdir(path.join(here, 'figures'), { recursive: true });
    await writeFile(path.join(here, 'figures', `${file}.json`), `${text}\n`);
  };
  try {
    await writeFile(path.join(folder, 'tickets.csv'), csv(n));
    if (recipe) await writeFile(path.join(folder, 'tickets.recipe.json'), JSON.stringify(recipe));
    const { LUTHIER_MINILM: minilm } = process.env;
    if (name === 'models') {
      if (!minilm) throw new Error('Set LUTHIER_MINILM to the folder of all-MiniLM-L6-v2.');
      await cp(minilm, path.join(folder, 'all-MiniLM-L6-v2'), { recursive: true });
    }
    if (stops !== undefined) {
      await work(folder, args(), async (now) => {
        const isAtWork = now.candidates.some((/** @type {any} */ { state }) => state === 'running');
        if (now.candidates.filter(isDone).length < stops || !isAtWork) return false;
        await keep(`${name}-running`, now);
        return true;
      });
      await keep(`${name}-interrupted`, await comparisonIn(folder));
    }
    const code = await work(folder, args(), null);
    const end = await comparisonIn(folder);
    if (code !== 0 || !isDone(end)) throw new Error(`${name} ended with ${code}.`);
    await keep(`${name}-done`, end);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
