import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobCase } from './cases.ts';
import { timed } from './process.ts';
import type { Sample } from './spec.ts';

export interface JobSetting {
  root: string;
  /** A Hugging Face folder of MiniLM. */
  model: string;
  /** Folder of SST-2's stsa.binary.* files. */
  data: string;
  threads: number;
}

/** What one run of a job gave: the whole time, and to the first step where it trains. */
export interface JobRun {
  wall: Sample;
  'first-step': Sample;
  accuracy: number | null;
}

const TRAINING = {
  learning_rate: 5e-5,
  num_train_epochs: 1,
  per_device_train_batch_size: 16,
  warmup_steps: 0,
  weight_decay: 0.01,
};

/** Our side, through the command line as a person would, from the process's start to its end. */
export async function ourJob(job: JobCase['job'], setting: JobSetting): Promise<JobRun> {
  const { root, model, data } = setting;
  const cli = join(root, 'dist/engine/cli.cjs');
  const folder = mkdtempSync(join(tmpdir(), 'luthier-bench-'));
  try {
    if (job === 'predict-10000') {
      const { stdout, ms } = await timed(process.execPath, [
        cli,
        'predict',
        tuned(setting),
        '--file',
        texts(setting, folder),
        '--json',
      ]);
      const lines = stdout.trim().split('\n').length;
      if (lines !== 10_000) throw new Error(`${lines} predictions instead of 10,000`);
      return { wall: { ms, peak_rss_bytes: 0 }, 'first-step': { ms: 0, peak_rss_bytes: 0 }, accuracy: null };
    }
    const recipe = {
      task: 'text-classification',
      model,
      dataset: { train: rows(setting, folder, job), validation: join(data, 'stsa.binary.dev') },
      ...TRAINING,
    };
    const file = join(folder, 'bench.recipe.json');
    writeFileSync(file, JSON.stringify(recipe));
    const { stdout, ms } = await timed(process.execPath, [cli, 'train', file, '--out', join(folder, 'run'), '--json']);
    const done = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
      metrics: { accuracy: number };
      time_to_first_step_s: number;
      peak_rss_bytes: number;
    };
    const { peak_rss_bytes } = done;
    return {
      wall: { ms, peak_rss_bytes },
      'first-step': { ms: done.time_to_first_step_s * 1e3, peak_rss_bytes },
      accuracy: done.metrics.accuracy,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** PyTorch's side: the script that a user of transformers would write. */
export async function peerJob(python: string, job: JobCase['job'], setting: JobSetting): Promise<JobRun> {
  const { root, model, data, threads } = setting;
  const folder = mkdtempSync(join(tmpdir(), 'luthier-bench-'));
  const env = { HF_HUB_OFFLINE: '1', OMP_NUM_THREADS: String(threads) };
  try {
    const args =
      job === 'predict-10000'
        ? ['predict.py', tuned(setting), texts(setting, folder), String(threads)]
        : [
            'train.py',
            model,
            rows(setting, folder, job),
            join(data, 'stsa.binary.dev'),
            String(threads),
            JSON.stringify(TRAINING),
          ];
    const { stdout, ms } = await timed(python, [join(root, 'bench/peers', args[0]!), ...args.slice(1)], env);
    const result = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
      first_step_s?: number;
      accuracy?: number;
      peak_rss_bytes: number;
    };
    const { peak_rss_bytes } = result;
    return {
      wall: { ms, peak_rss_bytes },
      'first-step': { ms: (result.first_step_s ?? 0) * 1e3, peak_rss_bytes },
      accuracy: result.accuracy ?? null,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The first 1,000 rows of the training part, or all of it. */
function rows({ data }: JobSetting, folder: string, job: JobCase['job']): string {
  const all = join(data, 'stsa.binary.train');
  if (job === 'train-6920') return all;
  const file = join(folder, 'stsa.binary.train');
  writeFileSync(file, `${readFileSync(all, 'latin1').split('\n').slice(0, 1000).join('\n')}\n`, 'latin1');
  return file;
}

/** 10,000 texts, one a line: SST-2's training part, repeated as often as it takes. */
function texts({ data }: JobSetting, folder: string): string {
  const lines = readFileSync(join(data, 'stsa.binary.train'), 'latin1')
    .trim()
    .split('\n')
    .map((line) => line.slice(2));
  const file = join(folder, 'texts.txt');
  writeFileSync(file, `${Array.from({ length: 10_000 }, (_, i) => lines[i % lines.length]).join('\n')}\n`);
  return file;
}

/** A classifier to predict with. */
const tuned = ({ root }: JobSetting) => process.env.LUTHIER_BENCH_CLASSIFIER ?? join(root, '.luthier/bench-classifier');

/** Makes it once, from the model, by a few steps; both sides then read the same folder. */
export async function prepareClassifier(setting: JobSetting): Promise<void> {
  const target = tuned(setting);
  const { existsSync, cpSync } = await import('node:fs');
  if (existsSync(join(target, 'model.safetensors'))) return;
  const folder = mkdtempSync(join(tmpdir(), 'luthier-bench-'));
  try {
    const file = join(folder, 'prepare.recipe.json');
    const { data, model, root } = setting;
    const dataset = { train: rows(setting, folder, 'train-1000'), validation: join(data, 'stsa.binary.dev') };
    writeFileSync(file, JSON.stringify({ task: 'text-classification', model, dataset, ...TRAINING, max_steps: 10 }));
    await timed(process.execPath, [
      join(root, 'dist/engine/cli.cjs'),
      'train',
      file,
      '--out',
      join(folder, 'run'),
      '--json',
    ]);
    cpSync(join(folder, 'run/model'), target, { recursive: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
