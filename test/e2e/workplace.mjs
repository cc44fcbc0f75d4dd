// A workspace for the tests: a tiny BERT of random weights, rows, recipes, and the terminal's `luthier`.
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');

/** The model and the rows of the faults' tests, which are TypeScript. */
async function loadTiny() {
  const outfile = path.join(here, 'output', 'tiny.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: ['test/faults/tiny.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  return await import(pathToFileURL(outfile).href);
}

/** Trains until somebody stops it, on any machine. */
const ENDLESS_EPOCHS = 4000;

/**
 * Makes the workspace.
 * @param {string} folder its name may hold anything that a file system takes
 */
export async function makeWorkspace(folder) {
  const { makeTinyBert, tinyRows } = await loadTiny();
  await mkdir(folder, { recursive: true });
  await makeTinyBert(path.join(folder, 'tiny'));
  // Five times as slow, for a run that must not end by itself.
  await makeTinyBert(path.join(folder, 'deep'), 10);
  await writeFile(path.join(folder, 'rows.csv'), tinyRows(240));
  // Long texts: a run of them lasts well beyond a reload, on a fast machine too.
  const long = tinyRows(19_900).replace(
    /^(.*),(good|bad)$/gm,
    (/** @type {string} */ _, /** @type {string} */ text, /** @type {string} */ label) =>
      `${`${text} `.repeat(4)},${label}`,
  );
  await writeFile(path.join(folder, 'many-rows.csv'), long);
  // Not among the files that are found by themselves.
  await writeFile(path.join(folder, 'letters.txt'), 'good\ta lovely day\nbad\ta dull day\n'.repeat(20));
  const recipe = {
    task: 'text-classification',
    model: 'tiny',
    dataset: 'rows.csv',
    learning_rate: 2e-3,
    per_device_train_batch_size: 8,
    max_length: 16,
    save_steps: 20,
    num_train_epochs: 4,
    // 36 rows: with fewer than 30, Start Run asks whether to cross-validate.
    validation_split: 0.15,
  };
  const write = (/** @type {string} */ name, /** @type {object} */ change) =>
    writeFile(path.join(folder, `${name}.recipe.json`), `${JSON.stringify({ ...recipe, ...change }, null, 2)}\n`);
  await write('short', {});
  // Long enough to be killed in the middle on any machine, and short enough to be brought to its end.
  await write('middling', { model: 'deep', num_train_epochs: 40 });
  // A step of 2,560 rows, so that it takes longer than a press of a button takes to be heard.
  await write('slow', { num_train_epochs: ENDLESS_EPOCHS, dataset: 'many-rows.csv', gradient_accumulation_steps: 320 });
  // A checkpoint several times a second: what a window is told often must not keep it from drawing.
  await write('endless', { model: 'deep', num_train_epochs: ENDLESS_EPOCHS, eval_steps: 200 });
}

/**
 * Runs `luthier` of this checkout, as in a terminal; gives its standard output.
 * @param {string} folder
 * @param {...string} args
 */
export async function luthier(folder, ...args) {
  const child = spawn(process.execPath, [path.join(root, 'dist/engine/cli.cjs'), ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (errors += data));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`luthier ${args.join(' ')} ended with ${code}: ${errors}`);
  return output;
}

/**
 * Trains a recipe of the workspace in the terminal, to its end.
 * @param {string} folder
 * @param {string} name
 */
export const runToEnd = (folder, name) => luthier(folder, 'train', `${name}.recipe.json`, '--json');

/**
 * Runs of a workspace, newest first: folder and record.
 * @param {string} folder
 */
export async function runsOf(folder) {
  const home = path.join(folder, '.luthier/runs');
  const names = await readdir(home).catch(() => []);
  const runs = [];
  for (const name of names) {
    const at = path.join(home, name);
    const record = await readFile(path.join(at, 'run.json'), 'utf8').then(JSON.parse, () => null);
    if (record) runs.push({ folder: at, record });
  }
  return runs.sort((a, b) => b.record.created_at.localeCompare(a.record.created_at));
}

/**
 * Lines of a run's metrics.jsonl; a last one that is being written is left out.
 * @param {string} run
 */
export async function metricsOf(run) {
  const text = await readFile(path.join(run, 'metrics.jsonl'), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    try {
      return line ? [JSON.parse(line)] : [];
    } catch {
      return [];
    }
  });
}

/** @param {string} run */
export async function endpointOf(run) {
  return JSON.parse(await readFile(path.join(run, 'endpoint.json'), 'utf8'));
}

/**
 * Whether a process works on this run: its folder stands in the process's arguments.
 * @param {number} pid
 * @param {string} run
 */
async function worksOn(pid, run) {
  const args = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return args.split('\0').includes(run);
}

/**
 * Kills a run's process, as a crash or the system would; false when there was none.
 * @param {string} run
 */
export async function killRun(run) {
  const { pid } = await endpointOf(run).catch(() => ({}));
  if (!pid || !(await worksOn(pid, run))) return false;
  process.kill(pid, 'SIGKILL');
  return true;
}

/**
 * Ends what still trains, so that nothing outlives the tests, and removes the runs and what was made for them.
 * @param {string} folder
 */
export async function clearRuns(folder) {
  for (const { folder: run } of await runsOf(folder)) {
    await killRun(run);
    await rm(run, { recursive: true, force: true, maxRetries: 5 });
  }
  await rm(path.join(folder, '.luthier/datasets'), { recursive: true, force: true });
}
