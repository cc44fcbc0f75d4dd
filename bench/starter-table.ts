/**
 * The README's table: the fine-tuned starter beside the same network from random weights and a TF-IDF logistic
 * regression, on the example data sets, three seeds, the same rows held out for all.
 *   node dist/bench/starter-table.mjs PYTHON [STARTER [SET]]      PYTHON has scikit-learn; STARTER is starters/bert
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTable } from '../src/engine/data/read.ts';
import { stratifiedSplit } from '../src/engine/data/split.ts';
import { openModelFolder, saveModelFolder } from '../src/engine/hub/model-folder.ts';
import { startersFolder } from '../src/engine/hub/resolve.ts';
import { initializeAll } from '../src/engine/model-files/load-weights.ts';
import { declarationOf } from '../src/engine/models/architecture.ts';
import { architectureOf } from '../src/engine/models/registry.ts';
import { ParameterStore } from '../src/engine/runtime/parameter-store.ts';

const SEEDS = [1, 2, 3];
const SETS = [
  { name: 'tickets', text: 'text', label: 'intent' },
  { name: 'reviews', text: 'review', label: 'sentiment' },
];
const HELD_OUT = 0.2;
const root = join(startersFolder(), '..');
const starter = process.argv[3] ?? join(startersFolder(), 'bert');
const work = mkdtempSync(join(tmpdir(), 'luthier-table-'));
const python = process.argv[2] ?? 'python3';

interface Score {
  accuracy: number;
  f1_macro: number;
}

/** The starter's folder with its weights replaced by random ones. */
async function untrained(): Promise<string> {
  const target = join(work, 'random');
  cpSync(starter, target, { recursive: true });
  const folder = await openModelFolder(starter);
  const architecture = architectureOf(folder.config, `${starter}/config.json`);
  await folder.weights.close();
  const store = new ParameterStore(declarationOf(architecture, { outputs: 2 }).parameters, () => false);
  initializeAll(architecture, store, 1);
  const tensors = [...store.parameters.values()].filter(({ name }) => !name.startsWith('classifier'));
  await saveModelFolder(target, {
    config: folder.config,
    tensors: tensors.map(({ name, shape, weight }) => ({ name, shape, dtype: 'F32' as const, data: weight })),
  });
  return target;
}

const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;

/** Writes the two parts of a data set for a seed. */
async function split({ name, text, label }: (typeof SETS)[number], seed: number) {
  const table = await readTable({ file: join(root, 'examples', `${name}.csv`) });
  const [t, l] = [table.columns.indexOf(text), table.columns.indexOf(label)];
  const rows = table.rows.map(({ values }) => ({ text: values[t]!, label: values[l]!, key: values[t]! }));
  const names = [...new Set(rows.map((row) => row.label))];
  const parts = stratifiedSplit(
    rows.map((row) => ({ label: names.indexOf(row.label), key: row.key })),
    HELD_OUT,
    seed,
  );
  const write = (part: string, indices: readonly number[]) => {
    const file = join(work, `${name}-${seed}-${part}.csv`);
    const lines = indices.map((i) => `${quoted(rows[i]!.text)},${quoted(rows[i]!.label)}`);
    writeFileSync(file, `text,label\n${lines.join('\n')}\n`);
    return file;
  };
  return { train: write('train', parts.train), test: write('test', parts.held_out) };
}

function tuned(model: string, name: string, seed: number, files: { train: string; test: string }): Score {
  const cli = join(root, 'dist/engine/cli.cjs');
  const out = join(work, 'run');
  rmSync(out, { recursive: true, force: true });
  const recipe = join(root, 'examples', `${name}.recipe.json`);
  const dataset = `dataset=${JSON.stringify({ train: files.train, validation: files.test })}`;
  // The last weights are measured, not the best on the rows that measure them.
  const sets = [
    dataset,
    `model=${model}`,
    `seed=${seed}`,
    'eval_steps=1000000',
    'columns={"text":"text","label":"label"}',
  ];
  const args = ['train', recipe, '--out', out, '--json', ...sets.flatMap((s) => ['--set', s])];
  const stdout = execFileSync(process.execPath, [cli, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const done = JSON.parse(stdout.trim().split('\n').at(-1)!) as { metrics: Score };
  return done.metrics;
}

function tfidf(seed: number, files: { train: string; test: string }): Score {
  const script = join(root, 'bench/tfidf_baseline.py');
  const args = [script, '--train', files.train, '--test', files.test, '--seeds', String(seed)];
  const stdout = execFileSync(python, args, { encoding: 'utf8' });
  // One line a seed, then their mean.
  return JSON.parse(stdout.split('\n')[0]!) as Score;
}

const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const cell = (scores: Score[]) =>
  `${mean(scores.map((s) => s.accuracy)).toFixed(3)} / ${mean(scores.map((s) => s.f1_macro)).toFixed(3)}`;

try {
  const random = await untrained();
  console.log('| data | fine-tuned starter | same network, random weights | TF-IDF, logistic regression |');
  console.log('|---|---|---|---|');
  for (const set of SETS.filter(({ name }) => process.argv[4] === undefined || name === process.argv[4])) {
    const scores = { starter: [] as Score[], random: [] as Score[], tfidf: [] as Score[] };
    for (const seed of SEEDS) {
      const files = await split(set, seed);
      scores.starter.push(tuned(starter, set.name, seed, files));
      scores.random.push(tuned(random, set.name, seed, files));
      scores.tfidf.push(tfidf(seed, files));
      console.error(
        set.name,
        seed,
        scores.starter.at(-1)?.accuracy,
        scores.random.at(-1)?.accuracy,
        scores.tfidf.at(-1)?.accuracy,
      );
    }
    console.log(`| ${set.name} | **${cell(scores.starter)}** | ${cell(scores.random)} | ${cell(scores.tfidf)} |`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
