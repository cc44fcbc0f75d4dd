import { describe, expect, it } from 'vitest';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../../src/engine/tensor/executors/onnxruntime.ts';
import { dropoutScales, rowWords } from '../../src/engine/tensor/ops/index.ts';
import { EXECUTORS } from './executors.ts';

const words = new Int32Array(300);
rowWords(words, { seed: 42, step: 7, site: 3 });
words.set([0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 16, -(2 ** 16)]);

async function scalesOf(executor: Executor, rate: number, columns: number): Promise<Float32Array> {
  const specs = { words: { shape: [words.length, 1], dtype: 'int32' } } as const;
  const compiled = await executor.compile(({ words }) => ({ scales: dropoutScales(words!, columns, rate) }), specs);
  const scales = new Float32Array(words.length * columns);
  await compiled.run({ words }, { scales });
  compiled.dispose();
  return scales;
}

describe.each(EXECUTORS)('what dropout multiplies by: $title', ({ isThere, create }) => {
  it.skipIf(!isThere)('is the same to the last bit as on the processor', async () => {
    const [executor, reference] = [await create(), await createOnnxRuntimeExecutor({ numThreads: 1 })];
    for (const [rate, columns] of [
      [0.1, 128],
      [0.5, 7],
    ] as const)
      expect(await scalesOf(executor, rate, columns)).toEqual(await scalesOf(reference, rate, columns));
    executor.dispose();
    reference.dispose();
  });
});
