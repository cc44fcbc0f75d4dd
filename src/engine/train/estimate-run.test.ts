import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseRecipe } from '../recipes/recipe.ts';
import { createExecutor } from '../tensor/executors/create.ts';
import { estimateRun } from './estimate-run.ts';

const base = join(import.meta.dirname, '../../../examples');

/** What a run of the starter on tickets.csv is said to need, by the backend that it names. */
async function needed(backend: 'onnxruntime' | 'wasm', gradient_checkpointing: boolean) {
  const recipe = parseRecipe({
    ...{ model: 'starters/bert', dataset: join(base, 'tickets.csv'), columns: { text: 'text', label: 'intent' } },
    ...{ strategy: { type: 'full' }, backend, gradient_checkpointing },
  });
  const executor = await createExecutor(backend);
  const { recomputes = false, computesIn8Bit = false } = executor;
  executor.dispose();
  // Each of the same speed, so that times can be compared.
  const estimate = await estimateRun({ recipe, base, machine: { backend, recomputes, computesIn8Bit, gflops: 100 } });
  return { bytes: estimate.peak_memory_bytes, seconds: estimate.seconds };
}

it('layers that are computed again save memory and cost time only where the backend does so', async () => {
  const plain = await needed('onnxruntime', false);
  const again = await needed('onnxruntime', true);
  expect(again.bytes).toBeLessThan(plain.bytes);
  expect(again.seconds).toBeGreaterThan(plain.seconds);
  expect(await needed('wasm', false)).toEqual(plain);
  expect(await needed('wasm', true)).toEqual(plain);
});
