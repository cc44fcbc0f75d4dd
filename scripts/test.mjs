// npm test: installs, builds, checks and tests everything, and ends with one line that sums all of it up; before it
// stand the end-to-end scenarios that needed a second try, and what failed, by stage. --all (npm run test:all) adds what
// takes long: 200 kills, a million rows, 10,000 broken inputs for each reader.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildTfjsBinding } from './build-tfjs-binding.mjs';
import { failedTests, failuresIn, firstLine } from './failures.mjs';
import { installFor } from './install.mjs';
import { closingLines, readClosingLines } from './outcome.mjs';
import { webGpuEnvironment } from './swiftshader.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const work = mkdtempSync(path.join(tmpdir(), 'luthier-test-'));
const all = process.argv.includes('--all');
const sum = { passed: 0, failed: 0, skipped: 0 };
/** @type {string[]} Scenarios that passed only when they were played again. */
const retried = [];
/** @type {import('./outcome.mjs').FailedStage[]} */
const failed = [];

/**
 * @typedef {{ passed?: number, failed?: number, skipped?: number, failures?: string[] }} Counts with a line for each
 *   failure
 */

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
    counts = { failed: 1, failures: [firstLine(error.message)] };
  }
  if (counts.failed) failed.push({ stage: name, failures: counts.failures ?? [] });
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
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
      process.stdout.write(data);
    });
    // Some tools tell their errors here, others there.
    child.stderr.on('data', (data) => {
      output += data;
      process.stderr.write(data);
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
  const { code, output } = await run(args);
  return code === 0 ? { passed: 1 } : { failed: 1, failures: failuresIn(output) };
}

async function unitTests() {
  const file = path.join(work, 'vitest.json');
  const { env, note } = await webGpuEnvironment(path.join(work, 'swiftshader'));
  console.log(note);
  const flags = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const long = all ? { LUTHIER_ALL: '1', LUTHIER_KILLS: '200' } : {};
  const { code, output } = await run(['node_modules/vitest/vitest.mjs', ...flags], { ...env, ...long });
  if (!existsSync(file)) return { failed: 1, failures: failuresIn(output) };
  const report = JSON.parse(readFileSync(file, 'utf8'));
  // A file that does not even load has no tests to count.
  const broken = report.testResults.filter(
    (/** @type {any} */ suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
  );
  const failed = report.numFailedTests + broken.length;
  const named = failedTests(report, root);
  return {
    passed: report.numPassedTests,
    // Errors outside tests fail the run, too.
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
    failures: named.length > 0 ? named : failuresIn(output),
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
  if (!read) return { failed: 1, failures: failuresIn(output) };
  const { failed } = read.counts;
  // Its thousands of cases would drown the tests in the sum: together they count as one.
  if (failed === 0 && code === 0) return { passed: 1 };
  return { failed: Math.max(1, failed), failures: failuresIn(output) };
}

/** test/e2e/run.mjs ends with a line as this file does. */
async function endToEnd() {
  const { code, output } = await run(['test/e2e/run.mjs', '--retries', '1']);
  const read = readClosingLines(output);
  if (!read) return { failed: 1, failures: failuresIn(output) };
  retried.push(...read.retried);
  const { failed } = read.counts;
  const failures = read.failures.length > 0 ? read.failures : failuresIn(output);
  return { ...read.counts, failed: failed === 0 && code !== 0 ? 1 : failed, failures };
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

console.log(`\n${closingLines(sum, retried, failed)}`);
process.exitCode = sum.failed === 0 ? 0 : 1;
