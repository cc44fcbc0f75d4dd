import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CachedModel, type CachedModelSizes } from '../../src/engine/infer/cached-model.ts';
import { write } from '../../src/engine/infer/write.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { TaskModel } from '../../src/engine/runtime/model.ts';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { DecodeStream } from '../../src/engine/text/decode-stream.ts';
import { EXECUTORS, figures, tried } from './executors.ts';
import { relativeError, weight } from './values.ts';

/** What decoder_figures.py wrote. */
interface Figures {
  task?: string;
  config: Record<string, unknown>;
  num_labels: number;
  deviation: number;
  texts: { ids: number[] }[];
  /** Of each text, those of its tokens one after the other. */
  logits: number[][];
  written?: {
    prompt: number[];
    eos: number;
    greedy: number[];
    beams: number[];
    greedy_with_eos: number[];
    beams_with_eos: number[];
  }[];
}
const MODELS = readdirSync(figures('decoders'))
  .filter((name) => name.endsWith('.json'))
  .map((name) => [name.slice(0, -5), JSON.parse(readFileSync(figures(`decoders/${name}`), 'utf8')) as Figures] as const)
  .filter(([, { written }]) => written !== undefined);

function modelOf(executor: Executor, f: Figures): TaskModel {
  const architecture = architectureOf(f.config, 'figures', { name: 'text-generation', reads: 'all' });
  const model = new TaskModel({
    ...{ executor, architecture, numLabels: f.num_labels, padId: 0, seed: 0 },
    ...{ isTrained: () => false, accumulate: false, maxBatch: { texts: 1, tokens: 1 } },
  });
  for (const { name, weight: values } of model.store.parameters.values())
    values.set(weight(name, values.length, f.deviation));
  return model;
}

/** Both models with both sizes of the cache, of two kinds of model. */
const ofEachKind = <T extends readonly [name: string, ...unknown[]]>(all: readonly T[]): T[] =>
  all.filter(([name]) => ['gpt2', 'llama'].includes(name));

// On a software driver of graphics cards a token takes a second where the machine does something else as well.
const PATIENCE = { timeout: 900_000 };

describe.each(EXECUTORS)('Generation against transformers’: $title', PATIENCE, ({ title, isThere, create }) => {
  const isUsual = title === 'onnxruntime';
  let executor: Executor;
  beforeAll(async () => {
    if (isThere) executor = await create();
  });
  afterAll(() => executor?.dispose());

  const sizes: [string, CachedModelSizes | undefined][] = [
    ['', undefined],
    [' in parts of 4 tokens, with a cache that grows', { lengths: [2, 4], capacity: 4 }],
  ];
  const all = MODELS.flatMap(([name, f]) => sizes.map(([how, size]) => [name, how, f, size] as const));
  // On all of them the same program runs: those beside the usual one have a model of each kind, one of them with a
  // cache that grows, and what is written after one prompt.
  const cases = isUsual ? all : tried(ofEachKind(all), [ofEachKind(all)[0]!, ofEachKind(all)[3]!]);

  test.skipIf(!isThere).each(cases)('%s%s: logits with a cache are those without', async (_, __, f, size) => {
    const model = modelOf(executor, f);
    const cached = new CachedModel(model, size);
    const got: number[] = [];
    const want: number[] = [];
    for (const [text, { ids }] of f.texts.slice(0, 3).entries()) {
      const all = ids.map((_, i) => f.logits[text]!.slice(i * f.num_labels, (i + 1) * f.num_labels));
      const prompt = Math.ceil(ids.length / 2);
      got.push(...(await cached.begin(ids.slice(0, prompt))));
      want.push(...all[prompt - 1]!);
      for (let i = prompt; i < ids.length; i++) {
        got.push(...(await cached.next([ids[i]!], [0]))[0]!);
        want.push(...all[i]!);
      }
    }
    expect(relativeError(Float32Array.from(got), want)).toBeLessThan(1e-4);
    model.dispose();
  });

  test.skipIf(!isThere).each(cases)('%s%s: greedy and beams, token for token', async (_, __, f, size) => {
    const model = modelOf(executor, f);
    const cached = new CachedModel(model, size);
    for (const { prompt, eos, ...written } of isUsual ? f.written! : tried(f.written!, f.written!.slice(0, 1))) {
      const after = async (max_new_tokens: number, num_beams: number, ends: number[]) =>
        (
          await write(cached, prompt, {
            ...{ settings: { max_new_tokens, num_beams }, ends: new Set(ends) },
            decodeStream: () => new DecodeStream((ids) => ids.join(' ')),
          })
        ).ids;
      expect(await after(20, 1, [])).toEqual(written.greedy);
      expect(await after(12, 4, [])).toEqual(written.beams);
      expect(await after(20, 1, [eos])).toEqual(written.greedy_with_eos);
      expect(await after(12, 4, [eos])).toEqual(written.beams_with_eos);
    }
    model.dispose();
  });
});
