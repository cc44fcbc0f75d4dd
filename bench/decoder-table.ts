/**
 * The README's table of starters/decoder: its perplexity on held-out rows of the example data, as it is and fine-tuned
 * with the recipes in examples/, three seeds. A seed decides which fifth of the rows is held out, too.
 *   node dist/bench/decoder-table.mjs [SET [SEED]]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../src/engine/data/random.ts';
import { startersFolder } from '../src/engine/hub/resolve.ts';

const SETS = ['support', 'commits'];
const HELD_OUT = 0.2;
const [onlySet, onlySeed] = process.argv.slice(2);
const seeds = onlySeed === undefined ? [1, 2, 3] : [Number(onlySeed)];
const root = join(startersFolder(), '..');
const work = mkdtempSync(join(tmpdir(), 'luthier-table-'));

/** Writes both parts of an example for a seed; rows that are the same are on the same side, once. */
function split(name: string, seed: number): { train: string; validation: string } {
  const lines = readFileSync(join(root, 'examples', `${name}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n');
  const rows = new Random(seed).shuffle([...new Set(lines)]);
  const cut = Math.round(rows.length * HELD_OUT);
  const write = (part: string, some: readonly string[]) => {
    const file = join(work, `${name}-${seed}-${part}.jsonl`);
    writeFileSync(file, `${some.join('\n')}\n`);
    return file;
  };
  return { train: write('train', rows.slice(cut)), validation: write('validation', rows.slice(0, cut)) };
}

/** The last line that a command of the terminal prints as JSON. */
function luthier(args: readonly string[]): { metrics: { perplexity: number } } {
  const stdout = execFileSync(process.execPath, [join(root, 'dist/engine/cli.cjs'), ...args, '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
  });
  const lines = stdout.trim().split('\n');
  return JSON.parse(lines.findLast((line) => line.includes('"perplexity"'))!) as { metrics: { perplexity: number } };
}

const untuned = (validation: string): number =>
  luthier(['evaluate', 'starters/decoder', '--data', validation]).metrics.perplexity;

/** Of the last weights, not of the best on the rows that measure them. */
function tuned(name: string, seed: number, files: { train: string; validation: string }): number {
  const out = join(work, 'run');
  rmSync(out, { recursive: true, force: true });
  const sets = [`dataset=${JSON.stringify(files)}`, `seed=${seed}`, 'eval_steps=1000000'];
  const recipe = join(root, 'examples', `${name}.recipe.json`);
  return luthier(['train', recipe, '--out', out, ...sets.flatMap((set) => ['--set', set])]).metrics.perplexity;
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - middle) ** 2, 0) / Math.max(1, values.length - 1));
}
const cell = (values: readonly number[]) => `${mean(values).toFixed(1)} ± ${deviation(values).toFixed(1)}`;

try {
  console.log('| data | starter | fine-tuned starter | difference, in deviations of the larger |');
  console.log('|---|---|---|---|');
  for (const name of SETS.filter((set) => onlySet === undefined || set === onlySet)) {
    const before: number[] = [];
    const after: number[] = [];
    for (const seed of seeds) {
      const files = split(name, seed);
      before.push(untuned(files.validation));
      after.push(tuned(name, seed, files));
      console.error(name, seed, before.at(-1), after.at(-1));
    }
    const apart = (mean(before) - mean(after)) / Math.max(deviation(before), deviation(after));
    console.log(`| ${name} | ${cell(before)} | **${cell(after)}** | ${apart.toFixed(0)} |`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
