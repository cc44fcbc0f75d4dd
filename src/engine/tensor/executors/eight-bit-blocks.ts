/** Numbers of a weight's row that have a scale of their own: what is large among them spoils no others. */
export const BLOCK = 32;
const ZERO = 128;

/** Rows of N outputs `[N, blocks, 32]`, symmetric around 128, and the scale of each block. */
export function quantizeBlocks(
  weight: Float32Array,
  { n, k, transposed, range }: { n: number; k: number; transposed: boolean; range: number },
): { values: Uint8Array; scales: Float32Array; shape: [n: number, blocks: number, block: number] } {
  const blocks = Math.ceil(k / BLOCK);
  const values = new Uint8Array(n * blocks * BLOCK).fill(ZERO);
  const scales = new Float32Array(n * blocks);
  const [row, column] = transposed ? [k, 1] : [1, n];
  for (let i = 0; i < n; i++)
    for (let b = 0; b < blocks; b++) {
      const end = Math.min(k, (b + 1) * BLOCK);
      let largest = 0;
      for (let j = b * BLOCK; j < end; j++) largest = Math.max(largest, Math.abs(weight[i * row + j * column]!));
      const scale = largest / range || 1;
      scales[i * blocks + b] = scale;
      const to = i * blocks * BLOCK;
      for (let j = b * BLOCK; j < end; j++) values[to + j] = ZERO + Math.round(weight[i * row + j * column]! / scale);
    }
  return { values, scales, shape: [n, blocks, BLOCK] };
}
