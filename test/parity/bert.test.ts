import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Executor, sizeOf, type TensorData } from '../../src/engine/executors/executor.ts';
import { SafetensorsFile } from '../../src/engine/hub/safetensors.ts';
import { createEncoder } from '../../src/engine/models/registry.ts';
import { packTexts, writeBatch } from '../../src/engine/train/packing.ts';
import { GRADIENT, logitsProgram, MASK, PARAMETER, trainingProgram } from '../../src/engine/train/programs.ts';
import { EXECUTORS, figures } from './executors.ts';
import { relativeError, uniform, weight } from './values.ts';

/** What bert_figures.py wrote. */
interface Figures {
  made_with: string;
  config: Record<string, unknown>;
  num_labels: number;
  deviation: number;
  texts: { ids: number[]; second_from: number; label: number }[];
  logits: number[][];
  loss: number;
  largest_gradient: number;
  /** Largest value that PyTorch in float32 gives for a key's bias, by either of its attention kernels. */
  key_bias_noise: number;
  gradients?: Record<string, { norm: number; max: number; at: number[]; values: number[] }>;
}

const read = (name: string) => JSON.parse(readFileSync(figures(name), 'utf8')) as Figures;

/** Made once for all executors: BERT-base's widths mean 21 million numbers. */
const made = new Map<string, Float32Array>();
function weightOf(name: string, size: number, deviation: number): Float32Array {
  const key = `${name} ${size}`;
  if (!made.has(key)) made.set(key, weight(name, size, deviation));
  return made.get(key)!;
}

interface Result {
  loss: number;
  logits: Float32Array;
  gradients: Map<string, Float32Array>;
}

interface RunOptions {
  /** Tokens a row, into which short texts are packed together; left out, each text has a row of the longest's length. */
  packedInto?: number;
  isTrained?: (name: string) => boolean;
  /** Drop by the masks that bert_figures.py makes as well. */
  dropout?: boolean;
}

/** Logits without labels and dropout, then loss and gradients. */
async function run(executor: Executor, f: Figures, options: RunOptions = {}): Promise<Result> {
  const { packedInto, isTrained = () => true, dropout = false } = options;
  const off = { hidden_dropout_prob: 0, attention_probs_dropout_prob: 0, classifier_dropout: 0 };
  const encoder = createEncoder({ ...f.config, ...(dropout ? {} : off) }, 'figures');
  const shapes = encoder.parameterShapes(f.num_labels);
  const texts = f.texts.map(({ ids, second_from }) => ({
    ids: Int32Array.from(ids),
    typeIds: Uint8Array.from(ids, (_, i) => (i < second_from ? 0 : 1)),
  }));
  const lengths = texts.map((text) => text.ids.length);
  const packing =
    packedInto === undefined
      ? {
          shape: { rows: texts.length, length: Math.max(...lengths), texts: texts.length },
          places: texts.map((_, row) => ({ row, start: 0 })),
        }
      : packTexts(lengths, packedInto, texts.length);
  const batch = packing.shape;
  const make = () => new Int32Array(batch.rows * batch.length);
  const arrays = {
    ...{ input_ids: make(), token_type_ids: make(), position_ids: make(), text_ids: make() },
    first_token: new Int32Array(batch.texts),
  };
  writeBatch(arrays, texts, packing, 0);
  const feeds: Record<string, TensorData> = {
    ...arrays,
    labels: Int32Array.from(f.texts, (text) => text.label),
    weights: new Float32Array(texts.length).fill(1 / texts.length),
  };
  for (const [name, shape] of Object.entries(shapes)) {
    feeds[PARAMETER + name] = weightOf(name, sizeOf(shape), f.deviation);
  }
  for (const [site, { shape }] of Object.entries(encoder.dropoutSites(batch))) {
    feeds[MASK + site] = Uint8Array.from(uniform(`mask/${site}`, sizeOf(shape)), (u) => (u > -0.5 ? 1 : 0));
  }

  const programOptions = { encoder, shapes, batch };
  const forward = logitsProgram(programOptions);
  const logits = new Float32Array(texts.length * f.num_labels);
  const predict = await executor.compile(forward.program, forward.inputs);
  await predict.run(feeds, { logits });
  predict.dispose();

  const trained = Object.keys(shapes).filter(isTrained);
  const training = trainingProgram({ ...programOptions, trained, labelSmoothing: 0, fromFeatures: false });
  const step = await executor.compile(training.program, training.inputs);
  const loss = new Float32Array(1);
  const gradients = new Map(trained.map((name) => [name, new Float32Array(sizeOf(shapes[name]!))]));
  await step.run(feeds, {
    loss,
    ...Object.fromEntries([...gradients].map(([name, gradient]) => [GRADIENT + name, gradient])),
  });
  step.dispose();
  return { loss: loss[0]!, logits, gradients };
}

const TOLERANCE = 1e-4;

/**
 * 'ok', or what is wrong with a gradient. The true one of a key's bias is 0 (softmax does not see what is added to a
 * whole row), so rounding is all there is of it, and it may be 4 times PyTorch's own; `error`, which every other
 * gradient is held to, is over the larger of the tensor's greatest value and a millionth of the model's.
 */
function judge(name: string, gradient: Float32Array, f: Figures, error: (floor: number) => number): string {
  if (name.endsWith('key.bias')) {
    const noise = gradient.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
    return noise <= 4 * f.key_bias_noise ? 'ok' : `noise of ${noise}, PyTorch's is ${f.key_bias_noise}`;
  }
  const off = error(1e-6 * f.largest_gradient);
  return off < TOLERANCE ? 'ok' : `error of ${off}`;
}

const allOk = (names: Iterable<string>) => Object.fromEntries([...names].map((name) => [name, 'ok']));

const small = read('bert-small.json');
const base = read('bert-base.json');

describe.each(EXECUTORS)("BERT against transformers' in float64: $title", ({ isThere, isSlow, create }) => {
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  test.skipIf(!isThere).each<[string, string, RunOptions]>([
    ['one text a row', 'bert-small', {}],
    ['packed, several texts a row', 'bert-small', { packedInto: 26 }],
    ['dropout at every site, by given masks', 'bert-small-dropout', { dropout: true }],
  ])('2 layers of 32, %s: every gradient, element by element', { timeout: 240_000 }, async (_, name, options) => {
    const f = read(`${name}.json`);
    const result = await run(executor, f, options);
    if (!options.dropout) expect(relativeError(result.logits, f.logits.flat())).toBeLessThan(TOLERANCE);
    expect(relativeError([result.loss], [f.loss])).toBeLessThan(TOLERANCE);
    const file = await SafetensorsFile.open(fileURLToPath(figures(`${name}.safetensors`)));
    const verdicts: Record<string, string> = {};
    for (const [parameter, { size }] of file.tensors) {
      const expected = new Float32Array(size);
      await file.readInto(parameter, expected);
      const gradient = result.gradients.get(parameter)!;
      verdicts[parameter] = judge(parameter, gradient, f, (floor) => relativeError(gradient, expected, floor));
    }
    await file.close();
    expect(verdicts).toEqual(allOk(result.gradients.keys()));
  });

  test.skipIf(!isThere)('frozen parameters get no gradient and change no other', { timeout: 240_000 }, async () => {
    const isTrained = (name: string) => !name.includes('embeddings') && !name.includes('layer.0');
    const all = await run(executor, small);
    const some = await run(executor, small, { isTrained });
    expect([...some.gradients.keys()]).toEqual([...all.gradients.keys()].filter(isTrained));
    for (const [name, gradient] of some.gradients) {
      const whole = all.gradients.get(name)!;
      expect(judge(name, gradient, small, (floor) => relativeError(gradient, whole, floor))).toBe('ok');
    }
  });

  const why = isSlow ? ' (skipped: too slow in software)' : '';
  const title = `2 layers of 768, 8 × 128 tokens with repeats: norms and samples of every gradient${why}`;
  test.skipIf(!isThere || isSlow)(title, { timeout: 300_000 }, async () => {
    const result = await run(executor, base);
    expect(relativeError(result.logits, base.logits.flat())).toBeLessThan(TOLERANCE);
    expect(relativeError([result.loss], [base.loss])).toBeLessThan(TOLERANCE);
    const verdicts: Record<string, string> = {};
    for (const [name, { norm, max, at, values }] of Object.entries(base.gradients!)) {
      const gradient = result.gradients.get(name)!;
      verdicts[name] = judge(name, gradient, base, (floor) => {
        const samples = at.map((i) => gradient[i]!);
        const ours = Math.sqrt(gradient.reduce((sum, x) => sum + x * x, 0));
        return Math.max(relativeError(samples, values, Math.max(floor, max)), relativeError([ours], [norm], floor));
      });
    }
    expect(verdicts).toEqual(allOk(result.gradients.keys()));
  });
});
