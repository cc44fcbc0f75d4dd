import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Executor, sizeOf, type TensorData } from '../../src/engine/executors/executor.ts';
import { SafetensorsFile } from '../../src/engine/hub/safetensors.ts';
import { createEncoder } from '../../src/engine/models/registry.ts';
import { packTexts, writeBatch } from '../../src/engine/train/packing.ts';
import { GRADIENT, logitsProgram, PARAMETER, trainingProgram } from '../../src/engine/train/programs.ts';
import { EXECUTORS, figures } from './executors.ts';
import { relativeError, weight } from './values.ts';

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

/** Logits without, loss and gradients with labels; `length` tokens a row, into which short texts are packed. */
async function run(executor: Executor, f: Figures, length: number, isTrained = (_: string) => true): Promise<Result> {
  const encoder = createEncoder({ ...f.config, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 }, 'figures');
  const shapes = encoder.parameterShapes(f.num_labels);
  const texts = f.texts.map(({ ids, second_from }) => ({
    ids: Int32Array.from(ids),
    typeIds: Uint8Array.from(ids, (_, i) => (i < second_from ? 0 : 1)),
  }));
  const packing = packTexts(
    texts.map((text) => text.ids.length),
    length,
    texts.length,
  );
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

  const options = { encoder, shapes, batch };
  const forward = logitsProgram(options);
  const logits = new Float32Array(texts.length * f.num_labels);
  const predict = await executor.compile(forward.program, forward.inputs);
  await predict.run(feeds, { logits });
  predict.dispose();

  const trained = Object.keys(shapes).filter(isTrained);
  const training = trainingProgram({ ...options, trained, labelSmoothing: 0, fromFeatures: false });
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

  test.skipIf(!isThere).each([
    ['one text a row', 13],
    ['packed, several texts a row', 26],
  ])(
    '2 layers of 32, %s: logits, loss and every gradient, element by element',
    { timeout: 240_000 },
    async (_, length) => {
      const result = await run(executor, small, length);
      expect(relativeError(result.logits, small.logits.flat())).toBeLessThan(TOLERANCE);
      expect(relativeError([result.loss], [small.loss])).toBeLessThan(TOLERANCE);
      const file = await SafetensorsFile.open(fileURLToPath(figures('bert-small.safetensors')));
      const verdicts: Record<string, string> = {};
      for (const [name, { size }] of file.tensors) {
        const expected = new Float32Array(size);
        await file.readInto(name, expected);
        const gradient = result.gradients.get(name)!;
        verdicts[name] = judge(name, gradient, small, (floor) => relativeError(gradient, expected, floor));
      }
      await file.close();
      expect(verdicts).toEqual(allOk(result.gradients.keys()));
    },
  );

  test.skipIf(!isThere)('frozen parameters get no gradient and change no other', { timeout: 240_000 }, async () => {
    const isTrained = (name: string) => !name.includes('embeddings') && !name.includes('layer.0');
    const all = await run(executor, small, 13);
    const some = await run(executor, small, 13, isTrained);
    expect([...some.gradients.keys()]).toEqual([...all.gradients.keys()].filter(isTrained));
    for (const [name, gradient] of some.gradients) {
      const whole = all.gradients.get(name)!;
      expect(judge(name, gradient, small, (floor) => relativeError(gradient, whole, floor))).toBe('ok');
    }
  });

  const why = isSlow ? ' (skipped: too slow in software)' : '';
  const title = `2 layers of 768, 8 × 128 tokens with repeats: norms and samples of every gradient${why}`;
  test.skipIf(!isThere || isSlow)(title, { timeout: 300_000 }, async () => {
    const result = await run(executor, base, 128);
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
