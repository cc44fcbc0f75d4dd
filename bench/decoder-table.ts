/**
 * The README's table of starters/decoder: its perplexity on held-out rows of the example data, as it is and fine-tuned
 * with the recipes in examples/, three seeds. A seed decides which fifth of the rows is held out, too.
 *   node dist/bench/decoder-table.mjs [--only SET] [--seeds 1,2,3] [--set KEY=VALUE]…      --set as of luthier train
 * What bench/decoder-table.jsonl has is not measured again, so that it goes on where it was stopped; a line counts for
 * the recipe, the data and the settings that it was measured with. The table has what is there, and says what is not.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../src/engine/data/random.ts';
import { startersFolder } from '../src/engine/hub/resolve.ts';

const SETS = [
  { name: 'support', title: 'support dialogues' },
  { name: 'commits', title: 'commit messages' },
];
const HELD_OUT = 0.2;
const root = join(startersFolder(), '..');
const file = join(root, 'bench/decoder-table.jsonl');
const { values: given } = parseArgs({
  options: {
    only: { type: 'string' },
    seeds: { type: 'string', default: '1,2,3' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const seeds = given.seeds.split(',').map(Number);
const work = mkdtempSync(join(tmpdir(), 'luthier-table-'));

/** A line of the file; the seconds are those of the whole run, from the start of its process on. */
interface Measured {
  data: string;
  seed: number;
  /** Of what `given` stands for: recipe, rows, settings. */
  of: string;
  set: string[];
  untuned: number;
  tuned: number;
  seconds: number;
  cpu: string;
}

const recipeOf = (name: string) => join(root, 'examples', `${name}.recipe.json`);
const rowsOf = (name: string) => join(root, 'examples', `${name}.jsonl`);

/** Writes both parts of an example for a seed; rows that are the same are on the same side, once. */
function split(name: string, seed: number): { train: string; validation: string } {
  const lines = readFileSync(rowsOf(name), 'utf8').trimEnd().split('\n');
  const rows = new Random(seed).shuffle([...new Set(lines)]);
  const cut = Math.round(rows.length * HELD_OUT);
  const write = (part: string, some: readonly string[]) => {
    const path = join(work, `${name}-${seed}-${part}.jsonl`);
    writeFileSync(path, `${some.join('\n')}\n`);
    return path;
  };
  return { train: write('train', rows.slice(cut)), validation: write('validation', rows.slice(0, cut)) };
}

/** The last line that a command of the terminal prints as JSON. */
function luthier(args: readonly string[]): { metrics: { perplexity: number }; wall_s?: number } {
  const stdout = execFileSync(process.execPath, [join(root, 'dist/engine/cli.cjs'), ...args, '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
  });
  const lines = stdout.trim().split('\n');
  return JSON.parse(lines.findLast((line) => line.includes('"perplexity"'))!);
}

/** Tuned: of the last weights, not of the best on the rows that measure them. */
function measure(name: string, seed: number): Measured {
  const parts = split(name, seed);
  const { metrics: before } = luthier(['evaluate', 'starters/decoder', '--data', parts.validation]);
  const out = join(work, 'run');
  rmSync(out, { recursive: true, force: true });
  const sets = [`dataset=${JSON.stringify(parts)}`, `seed=${seed}`, 'eval_steps=1000000', ...given.set];
  const args = ['train', recipeOf(name), '--out', out, ...sets.flatMap((set) => ['--set', set])];
  const { metrics: after, wall_s } = luthier(args);
  return {
    ...{ data: name, seed, of: hashOf(name), set: given.set, untuned: before.perplexity, tuned: after.perplexity },
    ...{ seconds: Math.round(wall_s ?? Number.NaN), cpu: cpus()[0]?.model ?? '' },
  };
}

const hashOf = (name: string): string =>
  createHash('sha256')
    .update(JSON.stringify([readFileSync(recipeOf(name), 'utf8'), readFileSync(rowsOf(name), 'utf8'), given.set]))
    .digest('hex')
    .slice(0, 16);

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - middle) ** 2, 0) / Math.max(1, values.length - 1));
}
const cell = (values: readonly number[]) => `${mean(values).toFixed(1)} ± ${deviation(values).toFixed(1)}`;

try {
  const known: Measured[] = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    : [];
  const table = [
    '| | starter | fine-tuned starter | difference, in deviations of the larger | seconds of a run |',
    '|---|---|---|---|---|',
  ];
  for (const { name, title } of SETS.filter((set) => given.only === undefined || set.name === given.only)) {
    const measured = seeds.map((seed) => {
      const before = known.find((it) => it.data === name && it.seed === seed && it.of === hashOf(name));
      const now = before ?? measure(name, seed);
      if (!before) appendFileSync(file, `${JSON.stringify(now)}\n`);
      console.error(`${name}, seed ${seed}: ${now.untuned.toFixed(1)} untuned, ${now.tuned.toFixed(1)} tuned`);
      return now;
    });
    const [untuned, tuned] = [measured.map((it) => it.untuned), measured.map((it) => it.tuned)];
    const apart = (mean(untuned) - mean(tuned)) / Math.max(deviation(untuned), deviation(tuned));
    const slowest = Math.max(...measured.map(({ seconds }) => seconds));
    table.push(
      `| ${title}, seeds ${seeds.join(', ')} | ${cell(untuned)} | **${cell(tuned)}** | ${apart.toFixed(1)} | ${slowest} at most |`,
    );
  }
  console.log(table.join('\n'));
} finally {
  rmSync(work, { recursive: true, force: true });
}
