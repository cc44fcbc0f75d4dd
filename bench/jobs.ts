import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer } from '../src/engine/text/tokenizer.ts';
import { type Shape, trainingOperations } from './arithmetic.ts';
import type { JobSpec } from './cases.ts';
import { minilmClassifier, minilmIn8Bit, randomBertBase } from './models.ts';
import { timed } from './process.ts';
import type { Contender, Measured } from './spec.ts';
import { writeRows, writeTexts } from './sst2.ts';

export interface JobSetting {
  root: string;
  /** A Hugging Face folder of MiniLM. */
  minilm: string;
  /** Folder of SST-2's stsa.binary.* files. */
  data: string;
  python: string;
  /** Another checkout, built, for `before`. */
  against: string | null;
  threads: number;
}

/** The checkout whose Luthier a contender is; null for a peer's. */
const checkoutOf = (contender: Contender, { root, against }: JobSetting): string | null =>
  contender === 'luthier' ? root : contender === 'before' ? against : null;

type TrainJob = Extract<JobSpec, { type: 'train' }>;
type PredictJob = Extract<JobSpec, { type: 'predict' }>;

/** A job made ready: its model and rows lie there, and each contender can do it. */
export interface ReadyJob {
  /** Does it once, from the process's start to its end. */
  run(contender: Contender, seed: number): Promise<Measured>;
  /** Floating-point operations of matrix products that its real tokens call for, and the width of most of them. */
  operations: number;
  width: number;
  /** Removes what was written for it. */
  dispose(): void;
}

export async function prepareJob(job: JobSpec, setting: JobSetting): Promise<ReadyJob> {
  const folder = mkdtempSync(join(tmpdir(), 'luthier-bench-'));
  const dispose = () => rmSync(folder, { recursive: true, force: true });
  try {
    const ready = await (job.type === 'train' ? trainJob(job, setting, folder) : predictJob(job, setting, folder));
    return { ...ready, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

type Ready = Omit<ReadyJob, 'dispose'>;

const settingsOf = (job: TrainJob) => ({
  learning_rate: 5e-5,
  num_train_epochs: job.epochs,
  per_device_train_batch_size: job.batch,
  warmup_steps: 0,
  weight_decay: 0.01,
});

async function trainJob(job: TrainJob, setting: JobSetting, folder: string): Promise<Ready> {
  const { root, minilm, data } = setting;
  const model = job.model === 'minilm' ? minilm : await randomBertBase(root, minilm);
  const train = join(folder, 'stsa.binary.train');
  writeRows(data, train, job.rows, job.full);
  const validation = job.validated ? join(data, 'stsa.binary.dev') : null;
  const files = { folder, model, train, validation };
  const shape = shapeOf(model);
  const tokenizer = await Tokenizer.load(model);
  const lengths = textsOf(train).map((text) => tokenizer.encode(text, 128).ids.length);
  const validated = validation ? textsOf(validation).map((text) => tokenizer.encode(text, 128).ids.length) : [];
  return {
    run: (contender, seed) => {
      const checkout = checkoutOf(contender, setting);
      return checkout === null
        ? peerTraining(job, setting, files, seed, contender)
        : ourTraining(job, checkout, files, seed);
    },
    operations:
      job.strategy === 'head'
        ? trainingOperations(shape, lengths, 'nothing') + trainingOperations(shape, validated, 'nothing')
        : job.epochs * trainingOperations(shape, lengths, 0) + trainingOperations(shape, validated, 'nothing'),
    width: shape.hidden,
  };
}

const textsOf = (file: string): string[] =>
  readFileSync(file, 'latin1')
    .trim()
    .split('\n')
    .map((line) => line.slice(2));

function shapeOf(model: string): Shape {
  const config = JSON.parse(readFileSync(join(model, 'config.json'), 'utf8')) as Record<string, number>;
  return { layers: config.num_hidden_layers!, hidden: config.hidden_size!, inner: config.intermediate_size! };
}

interface Files {
  folder: string;
  model: string;
  train: string;
  validation: string | null;
}

/** Through the command line, as a person would. */
async function ourTraining(job: TrainJob, root: string, files: Files, seed: number): Promise<Measured> {
  const { folder, model, train, validation } = files;
  const recipe = {
    task: 'text-classification',
    model,
    dataset: { train, ...(validation ? { validation } : {}) },
    strategy: { type: job.strategy },
    ...(validation ? {} : { validation_split: 0 }),
    ...(job.maxSteps ? { max_steps: job.maxSteps } : {}),
    ...settingsOf(job),
    seed,
  };
  const file = join(folder, 'bench.recipe.json');
  writeFileSync(file, JSON.stringify(recipe));
  const cache = join(folder, 'cache');
  rmSync(cache, { recursive: true, force: true });
  const run = join(folder, 'run');
  const once = async () => {
    rmSync(run, { recursive: true, force: true });
    const started = Date.now();
    const { stdout, ms } = await timed(
      process.execPath,
      [join(root, 'dist/engine/cli.cjs'), 'train', file, '--out', run, '--json'],
      { LUTHIER_CACHE: cache, LUTHIER_DATA: join(folder, 'data'), LUTHIER_PRIORITY: 'normal' },
    );
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const start = events.find(({ event }) => event === 'start') as { time: number };
    const done = events.at(-1) as {
      metrics: { accuracy?: number };
      time_to_first_step_s: number;
      peak_rss_bytes: number;
    };
    return { ms, before: start.time * 1e3 - started, done };
  };
  const { ms, before, done } = await once();
  const again = job.again ? await once() : null;
  return {
    figures: {
      wall: ms,
      'before-step': before,
      'first-step': done.time_to_first_step_s * 1e3,
      ...(again ? { cached: again.ms } : {}),
    },
    peak_rss_bytes: done.peak_rss_bytes,
    ...(done.metrics.accuracy === undefined ? {} : { accuracy: done.metrics.accuracy }),
  };
}

/** The script that a user of transformers would write. */
async function peerTraining(
  job: TrainJob,
  { root, python, threads }: JobSetting,
  { model, train, validation }: Files,
  seed: number,
  contender: Contender,
): Promise<Measured> {
  const spec = {
    ...{ model, train, validation, threads, seed },
    settings: settingsOf(job),
    strategy: job.strategy,
    max_steps: job.maxSteps ?? -1,
    group_by_length: contender === 'pytorch, grouped by length',
    started: Date.now() / 1e3,
  };
  const { stdout, ms } = await timed(
    python,
    [join(root, 'bench/peers/train.py'), JSON.stringify(spec)],
    peerEnvironment(threads),
  );
  const result = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
    before_step_s: number;
    first_step_s: number;
    accuracy: number | null;
    peak_rss_bytes: number;
  };
  return {
    figures: {
      wall: ms,
      // It keeps nothing for the next time.
      cached: ms,
      'before-step': result.before_step_s * 1e3,
      'first-step': result.first_step_s * 1e3,
    },
    peak_rss_bytes: result.peak_rss_bytes,
    ...(result.accuracy === null ? {} : { accuracy: result.accuracy }),
  };
}

const peerEnvironment = (threads: number) => ({ HF_HUB_OFFLINE: '1', OMP_NUM_THREADS: String(threads) });

async function predictJob(job: PredictJob, setting: JobSetting, folder: string): Promise<Ready> {
  const { texts: count, eightBit } = job;
  const { root, minilm, data, python, threads } = setting;
  const file = join(folder, 'texts.txt');
  writeTexts(data, file, count);
  const model = await (eightBit ? minilmIn8Bit : minilmClassifier)(root, minilm, data);
  const script = [join(root, 'bench/peers/predict.py'), model, file, String(threads)];
  let batchSize: number | undefined;
  const peer = async (): Promise<Measured> => {
    batchSize ??= await fastestBatchSize(python, script, threads);
    const { stdout, ms } = await timed(python, [...script, String(batchSize)], peerEnvironment(threads));
    const { predictions, peak_rss_bytes } = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, number>;
    if (predictions !== count) throw new Error(`${predictions} predictions of the peer instead of ${count}`);
    return { figures: { wall: ms }, peak_rss_bytes: peak_rss_bytes! };
  };
  const ours = async (checkout: string): Promise<Measured> => {
    const command = [join(checkout, 'dist/engine/cli.cjs'), 'predict', model, '--file', file, '--json'];
    const { stdout, ms, peak_rss_bytes } = await timed(process.execPath, command);
    const lines = stdout.trim().split('\n').length;
    if (lines !== count) throw new Error(`${lines} predictions instead of ${count}`);
    return { figures: { wall: ms }, peak_rss_bytes };
  };
  const tokenizer = await Tokenizer.load(model);
  const lengths = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((text) => tokenizer.encode(text, 512).ids.length);
  const shape = shapeOf(model);
  return {
    run: (contender) => {
      const checkout = checkoutOf(contender, setting);
      return checkout === null ? peer() : ours(checkout);
    },
    operations: trainingOperations(shape, lengths, 'nothing'),
    width: shape.hidden,
  };
}

/** The search for the peer's best batch size is not charged to it. */
async function fastestBatchSize(python: string, script: string[], threads: number): Promise<number> {
  const { stdout } = await timed(python, script, peerEnvironment(threads));
  const { batch_size, seconds } = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
    batch_size: number;
    seconds: Record<string, number>;
  };
  const rates = Object.entries(seconds).map(([size, s]) => `${size}: ${(512 / s).toFixed(0)}`);
  console.error(`  pipeline, texts per second by batch size: ${rates.join(', ')}; using ${batch_size}`);
  return batch_size;
}
