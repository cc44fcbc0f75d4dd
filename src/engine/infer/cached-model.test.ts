import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initializeAll } from '../model-files/load-weights.ts';
import { isLayerWeight } from '../models/architecture.ts';
import { architectureOf } from '../models/registry.ts';
import { TaskModel } from '../runtime/model.ts';
import type { Executor } from '../tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../tensor/executors/onnxruntime.ts';
import { CachedModel } from './cached-model.ts';
import { write } from './write.ts';

const config = {
  ...{ model_type: 'llama', vocab_size: 50, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 3 },
  ...{ num_attention_heads: 4, num_key_value_heads: 2, max_position_embeddings: 512, tie_word_embeddings: true },
};

describe('a cached model', () => {
  let executor: Executor;
  let model: TaskModel;
  beforeAll(async () => {
    executor = await createOnnxRuntimeExecutor({ numThreads: 1 });
    const architecture = architectureOf(config, 'config.json', { name: 'text-generation', reads: 'all' });
    const options = { isTrained: () => false, accumulate: false, maxBatch: { texts: 1, tokens: 1 }, seed: 0 };
    model = new TaskModel({ executor, architecture, numLabels: 50, padId: 0, ...options });
    initializeAll(architecture, model.store, 1);
  });
  afterAll(() => {
    model?.dispose();
    executor?.dispose();
  });

  it('refuses more beams than there is memory for, before it makes room for them, and names how many would fit', async () => {
    const cached = new CachedModel(model);
    await cached.begin([1, 2, 3]);
    // Keys and values of 3 layers, 2 heads of 4, for 256 tokens and twice; three arrays of scores.
    const each = 4 * (2 * 3 * 2 * 2 * 4 * 256 + 3 * 50);
    expect(() => cached.requireRoom(64, 200, 64 * each)).not.toThrow();
    expect(() => cached.requireRoom(64, 200, 5.5 * each)).toThrow(
      expect.objectContaining({
        code: 'not-enough-memory',
        message: expect.stringMatching(/^64 beams of up to 200 tokens would need about .+, but only .+ are free\.$/),
        hint: expect.stringMatching(/^5 beams would fit\. /),
      }),
    );
    expect(() => cached.requireRoom(2, 200, each)).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/^Ask for fewer beams/) }),
    );
  });

  it('computes its layers in 8 bits where that is asked for: nearly the same scores', async () => {
    const of = async (cached: CachedModel) => {
      const first = [...(await cached.begin([1, 2, 3]))];
      return [...first, ...(await cached.next([4], [0]))[0]!];
    };
    const float = await of(new CachedModel(model));
    const narrow = await of(new CachedModel(model, undefined, isLayerWeight(model.architecture)));
    expect(narrow).not.toEqual(float);
    const apart = Math.hypot(...float.map((x, i) => x - narrow[i]!)) / Math.hypot(...float);
    expect(apart).toBeLessThan(0.03);
  });

  it('is asked for room by a search with beams alone', async () => {
    const asked: number[][] = [];
    const cached = new CachedModel(model);
    cached.requireRoom = (texts, tokens) => void asked.push([texts, tokens]);
    const options = { ends: new Set<number>(), decodeStream: () => ({ push: () => '', end: () => '' }) as never };
    await write(cached, [1, 2, 3], { settings: { max_new_tokens: 2 }, ...options });
    await write(cached, [1, 2, 3], { settings: { max_new_tokens: 2, num_beams: 4 }, ...options });
    expect(asked).toEqual([[4, 5]]);
  });
});
