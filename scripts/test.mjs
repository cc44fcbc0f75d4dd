// npm test: installs, builds, checks and tests everything, and ends with one line that sums all of it up; before it
// stand the end-to-end scenarios that needed a second try. --all (npm run test:all) adds what takes long: 200 kills, a
// million rows, 10,000 broken inputs for each reader.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildTfjsBinding } from './build-tfjs-binding.mjs';
import { installFor } from './install.mjs';
import { closingLines, readClosingLines } from './outcome.mjs';
import { webGpuEnvironment } from './swiftshader.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const work = mkdtempSync(path.join(tmpdir(), 'luthier-test-'));
const all = process.argv.includes('--all');
const sum = { passed: 0, failed: 0, skipped: 0 };
/** @type {string[]} Scenarios that passed only when they were played again. */
const retried = [];

/** @typedef {{ passed?: number, failed?: number, skipped?: number }} Counts */

/**
 * Runs one stage, adds its counts, and says how long it took. A stage that throws counts as one failure.
 * @param {string} name
 * @param {() => Counts | Promise<Counts>} work
 */
async function stage(name, work) {
  const started = performance.now();
  console.log(`\n── ${name}`);
  /** @type {Counts} */
  let counts;
  try {
    counts = await work();
  } catch (error) {
    console.error(error.message);
    counts = { failed: 1 };
  }
  sum.passed += counts.passed ?? 0;
  sum.failed += counts.failed ?? 0;
  sum.skipped += counts.skipped ?? 0;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${counts.failed ? '✗' : '✓'} ${name} (${seconds} s)`);
  return !counts.failed;
}

/**
 * Runs a program of this checkout and gives back its exit code and, beside showing it, its output.
 * @param {string[]} args
 */
function run(args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
      process.stdout.write(data);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/**
 * A tool that passes or fails as a whole.
 * @param {string[]} args
 */
async function whole(args) {
  const { code } = await run(args);
  return code === 0 ? { passed: 1 } : { failed: 1 };
}

async function unitTests() {
  const file = path.join(work, 'vitest.json');
  const { env, note } = await webGpuEnvironment(path.join(work, 'swiftshader'));
  console.log(note);
  const flags = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const long = all ? { LUTHIER_ALL: '1', LUTHIER_KILLS: '200' } : {};
  const { code } = await run(['node_modules/vitest/vitest.mjs', ...flags], { ...env, ...long });
  if (!existsSync(file)) return { failed: 1 };
  const report = JSON.parse(readFileSync(file, 'utf8'));
  // A file that does not even load has no tests to count.
  const broken = report.testResults.filter(
    (/** @type {any} */ suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
  );
  const failed = report.numFailedTests + broken.length;
  return {
    passed: report.numPassedTests,
    // Errors outside tests fail the run, too.
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * At most two minutes of the same cases each time, so that a change is judged by what it changes; new ones, of a seed
 * that is printed, where all is asked for and with `node test/fuzz/run.mjs`.
 */
async function fuzz() {
  const bounds = all ? ['--seconds', '7200', '--cases', '10000'] : ['--seconds', '100', '--seed', '1'];
  const { code, output } = await run(['test/fuzz/run.mjs', ...bounds]);
  const read = readClosingLines(output);
  if (!read) return { failed: 1 };
  const { failed } = read.counts;
  // Its thousands of cases would drown the tests in the sum: together they count as one.
  return failed === 0 && code === 0 ? { passed: 1 } : { failed: Math.max(1, failed) };
}

/** test/e2e/run.mjs ends with a line as this file does. */
async function endToEnd() {
  const { code, output } = await run(['test/e2e/run.mjs', '--retries', '1']);
  const read = readClosingLines(output);
  if (!read) return { failed: 1 };
  retried.push(...read.retried);
  const { failed } = read.counts;
  return { ...read.counts, failed: failed === 0 && code !== 0 ? 1 : failed };
}

const ready =
  (await stage('install', () => (installFor('test') ? {} : { failed: 1 }))) &&
  (await stage('build', () => whole(['esbuild.mjs'])));
if (ready) {
  // Without it the tests of the tensorflow executor are skipped, and say so.
  await stage('tfjs-node', async () => {
    console.log(buildTfjsBinding(path.join(root, 'test/node_modules/@tensorflow/tfjs-node')));
    return {};
  });
  await stage('types', () => whole(['node_modules/typescript/bin/tsc', '-b']));
  await stage('lint and format', () => whole(['node_modules/@biomejs/biome/bin/biome', 'check']));
  await stage('tests', unitTests);
  await stage('broken input', fuzz);
  if (existsSync(path.join(root, 'test/e2e/run.mjs'))) await stage('end to end', endToEnd);
}
rmSync(work, { recursive: true, force: true });

console.log(`\n${closingLines(sum, retried)}`);
process.exitCode = sum.failed === 0 ? 0 : 1;
