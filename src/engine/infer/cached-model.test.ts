import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initializeAll } from '../model-files/load-weights.ts';
import { isLayerWeight } from '../models/architecture.ts';
import { architectureOf } from '../models/registry.ts';
import { TaskModel } from '../runtime/model.ts';
import type { Executor } from '../tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../tensor/executors/onnxruntime.ts';
import { CachedModel } from './cached-model.ts';
import { indexOfLargest } from './logits.ts';
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
    const isHeld = isLayerWeight(model.architecture);
    const narrow = await of(new CachedModel(model, undefined, { isHeld, isHeldInPrompts: isHeld }));
    expect(narrow).not.toEqual(float);
    const apart = Math.hypot(...float.map((x, i) => x - narrow[i]!)) / Math.hypot(...float);
    expect(apart).toBeLessThan(0.03);
  });

  it('reads one at a time what is short, in 8 bits that are a part of the program: nearly the scores of the floats', async () => {
    const float = new CachedModel(model, { lengths: [16], capacity: 64 });
    const narrow = new CachedModel(
      model,
      { lengths: [16], capacity: 64, oneByOne: 2 },
      { isHeld: isLayerWeight(model.architecture) },
    );
    const prompt = [1, 2, 3];
    expect([...(await narrow.resume(prompt)).logits]).toEqual([...(await float.resume(prompt)).logits]);
    for (const next of [[4], [5, 6], [7]]) {
      for (const token of next) prompt.push(token);
      const [one, other] = [(await float.resume(prompt)).logits, (await narrow.resume(prompt)).logits];
      expect([...other]).not.toEqual([...one]);
      const apart = Math.hypot(...one.map((x, i) => x - other[i]!)) / Math.hypot(...one);
      expect(apart).toBeLessThan(0.02);
    }
  });

  it('goes on from what it remembers of a prompt: the logits are those of reading all of it', async () => {
    const prompt = Array.from({ length: 40 }, (_, i) => (7 * i + 3) % 50);
    const whole = new CachedModel(model);
    const same = async (cached: CachedModel, next: readonly number[], reused: number) => {
      const resumed = await cached.resume(next);
      expect(resumed.reused).toBe(reused);
      const expected = await whole.begin(next);
      const apart = expected.map((x, i) => Math.abs(x - resumed.logits[i]!));
      expect(Math.max(...apart)).toBeLessThanOrEqual(1e-4);
      expect(indexOfLargest(resumed.logits)).toBe(indexOfLargest(expected));
    };
    for (const sizes of [undefined, { lengths: [4, 16], capacity: 16 }, { lengths: [16], capacity: 64, oneByOne: 2 }]) {
      const cached = new CachedModel(model, sizes);
      await same(cached, prompt, 0);
      await same(cached, prompt, 39);
      // What it wrote itself is typed, and more; then deleted again.
      await cached.next([5], [0]);
      await cached.next([6], [0]);
      await same(cached, [...prompt, 5, 6, 7, 8], 42);
      await same(cached, [...prompt, 5, 9], 41);
      await same(cached, prompt.slice(0, 20), 19);
      // Several texts, of which one is gone on from.
      await cached.next([1, 2, 3], [0, 0, 0]);
      await cached.next([1, 2, 3], [2, 1, 0]);
      await same(cached, [...prompt.slice(0, 20), 1, 2], 20);
      await same(cached, [49, ...prompt], 0);
    }
  });

  it('keeps what it had read of a long prompt when it is stopped between two parts', async () => {
    const cached = new CachedModel(model, { lengths: [4, 16], capacity: 64 });
    const prompt = Array.from({ length: 40 }, (_, i) => i);
    const stop = async () => {
      throw new Error('stopped');
    };
    await expect(cached.resume(prompt, stop)).rejects.toThrow('stopped');
    expect((await cached.resume(prompt)).reused).toBe(16);
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
