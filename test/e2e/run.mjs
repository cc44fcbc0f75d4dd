// node test/e2e/run.mjs [--grep PATTERN] [--repeat N] [--retries N] [--keep] [--figures]: the end-to-end tests, in a real VS
// Code with the VSIX installed.
// --retries plays a scenario that failed again in a fresh window, and tells both; without it the first failure counts.
// LUTHIER_E2E_PATIENCE_MS shortens every wait, LUTHIER_E2E_VERBOSE tells of attempts that failed on the way.
// Ends with a line `N passed, M failed[, K skipped]`, before it the scenarios that passed only at the second try and those
// that failed. Screenshots of failures go to test/e2e/output.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { firstLine } from '../../scripts/failures.mjs';
import { closingLines } from '../../scripts/outcome.mjs';
import { makePackage } from '../../scripts/package.mjs';
import { packProbe } from './probe.mjs';
import { figures, scenarios } from './scenarios/index.mjs';
import { whyAbsent } from './server.mjs';
import { Stage } from './stage.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const output = path.join(here, 'output');
// Runs that the tests make are remembered apart from the person's own, and alike by the editor and the terminal.
process.env.LUTHIER_DATA ??= path.join(output, 'data');
const { values: options } = parseArgs({
  options: {
    grep: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
    figures: { type: 'boolean', default: false },
    repeat: { type: 'string', default: '1' },
    retries: { type: 'string', default: '0' },
  },
});

/** A scenario that has not ended by then is taken for hung. */
const LIMIT_MS = 8 * 60_000;

const counts = { passed: 0, failed: 0, skipped: 0 };
/** @type {string[]} Names of those that failed and passed when they were played again. */
const retried = [];
/** @type {string[]} Names of those that failed, each with the first line of its error. */
const failures = [];

/**
 * @param {number} retries how often it may still be played again if it fails
 * @param {boolean} isAgain whether it has failed before
 * @param {import('./stage.mjs').Stage} stage
 * @param {import('./stage.mjs').Scenario} scenario
 */
async function runOne(stage, scenario, retries, isAgain = false) {
  const reason = scenario.skip?.();
  if (reason) {
    counts.skipped++;
    console.log(`- ${scenario.name} (skipped: ${reason})`);
    return;
  }
  const started = performance.now();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(1);
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It did not end in ${LIMIT_MS / 60_000} minutes.`)), LIMIT_MS);
  });
  /** @type {string | null} The first line of its error. */
  let failed = null;
  try {
    await Promise.race([stage.play(scenario), late]);
    counts.passed++;
    if (isAgain) retried.push(scenario.name);
    console.log(`✓ ${scenario.name} (${seconds()} s)`);
  } catch (error) {
    failed = firstLine(String(error));
    console.log(`✗ ${scenario.name} (${seconds()} s)\n  ${String(error.stack ?? error).replaceAll('\n', '\n  ')}`);
    for (const file of await stage.evidence(scenario, output))
      console.log(`  see ${path.relative(process.cwd(), file)}`);
  } finally {
    clearTimeout(timer);
  }
  for (const line of stage.takeFigures()) console.log(`  ${line}`);
  if (failed === null) return;
  if (retries === 0) {
    counts.failed++;
    failures.push(`${scenario.name}: ${failed}`);
    return;
  }
  console.log('↻ again, in a fresh window');
  await runOne(stage, scenario, retries - 1, true);
}

async function main() {
  const pattern = new RegExp(options.grep, 'i');
  const all = options.figures ? figures : scenarios;
  const chosen = all.filter(({ name }) => pattern.test(name));
  if (chosen.length === 0) throw new Error(`No scenario's name fits “${options.grep}”.`);
  const absent = whyAbsent();
  if (absent) {
    counts.skipped = chosen.length;
    console.log(`The end-to-end tests are skipped: ${absent}.`);
    return;
  }
  await mkdir(output, { recursive: true });
  // Spaces and letters beyond ASCII in every path, as people have them.
  const folder = await mkdtemp(path.join(tmpdir(), 'luthier e2e Ünï-'));
  const stage = new Stage(folder);
  const interrupted = () => {
    void stage.close().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    const started = performance.now();
    const vsix = path.join(folder, 'luthier.vsix');
    const { bytes } = await makePackage({ out: vsix });
    await stage.start([vsix, await packProbe(path.join(folder, 'probe.vsix'))]);
    console.log(
      `VSIX of ${(bytes / 1e6).toFixed(1)} MB installed in ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
    for (let round = 0; round < Number(options.repeat); round++)
      for (const scenario of chosen) await runOne(stage, scenario, Number(options.retries));
  } finally {
    await stage.close();
    if (options.keep) console.log(`Kept: ${folder}`);
    else if (existsSync(folder)) await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

try {
  await main();
} catch (error) {
  counts.failed++;
  failures.push(firstLine(String(error)));
  console.error(error);
}
console.log(closingLines(counts, retried, failures.length > 0 ? [{ stage: 'end to end', failures }] : []));
process.exit(counts.failed === 0 ? 0 : 1);
