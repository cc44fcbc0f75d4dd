import type { PackableText } from './packing.ts';

export interface Inference<T extends PackableText> {
  texts: readonly T[];
  batchSize: number;
  /** Numbers that `run` gives for each text. */
  width: number;
  run: (texts: T[]) => Promise<Float32Array>;
  /** Called after each batch with the texts done; what it throws ends the work. */
  between?: ((done: number, total: number) => void | Promise<void>) | undefined;
}

/**
 * Runs texts through a model in batches and gives the results `[texts, width]` in the order of the texts. Longest
 * first: like lengths share a batch, and the first batch is the one that needs the most memory.
 */
export async function inBatches<T extends PackableText>({
  texts,
  batchSize,
  width,
  run,
  between,
}: Inference<T>): Promise<Float32Array> {
  const order = texts.map((_, i) => i).sort((a, b) => texts[b]!.ids.length - texts[a]!.ids.length || a - b);
  const results = new Float32Array(texts.length * width);
  for (let i = 0; i < order.length; i += batchSize) {
    const rows = order.slice(i, i + batchSize);
    const values = await run(rows.map((row) => texts[row]!));
    for (const [k, row] of rows.entries()) results.set(values.subarray(k * width, (k + 1) * width), row * width);
    await between?.(i + rows.length, order.length);
  }
  return results;
}
