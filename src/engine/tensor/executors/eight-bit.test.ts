import { describe, expect, it } from 'vitest';
import { Random } from '../../data/random.ts';
import { EightBitWeights, eightBitRange, quantizeColumns, quantizeTransposed } from './eight-bit.ts';
import { loadOnnxRuntime } from './onnxruntime-library.ts';

const random = new Random(3);
const [rows, columns] = [37, 21];
const matrix = Float32Array.from({ length: rows * columns }, (_, i) => (i % columns) ** 2 * (random.float() - 0.5));

describe('8-bit weights', () => {
  it('are within half a scale of the float ones, column by column', () => {
    for (const range of [127, 63]) {
      const { values, scales } = quantizeColumns(matrix, columns, range);
      matrix.forEach((x, i) => {
        const scale = scales[i % columns]!;
        expect(Math.abs(values[i]! * scale - x)).toBeLessThanOrEqual(0.5001 * scale);
        expect(Math.abs(values[i]!)).toBeLessThanOrEqual(range);
      });
      // The first column is zero.
      expect(scales[0]).toBe(1);
      expect(scales[columns - 1]).toBeLessThanOrEqual((0.5 * (columns - 1) ** 2) / range);
    }
  });

  it('are transposed with a scale for each row', () => {
    const { values, scales } = quantizeTransposed(matrix, columns, 127);
    expect(scales.length).toBe(rows);
    matrix.forEach((x, i) => {
      const [r, c] = [Math.floor(i / columns), i % columns];
      expect(Math.abs(values[c * rows + r]! * scales[r]! - x)).toBeLessThanOrEqual(0.5001 * scales[r]!);
    });
  });

  it('are multiplied before they are rounded, each input’s by its own factor', () => {
    const [byRow, byColumn] = [rows, columns].map((n) => Float32Array.from({ length: n }, (_, i) => 1 + (i % 4)));
    const times = (factorOf: (i: number) => number) => matrix.map((x, i) => x * factorOf(i));
    expect(quantizeColumns(matrix, columns, 127, byRow)).toEqual(
      quantizeColumns(
        times((i) => byRow![Math.floor(i / columns)]!),
        columns,
        127,
      ),
    );
    expect(quantizeTransposed(matrix, columns, 127, byColumn)).toEqual(
      quantizeTransposed(
        times((i) => byColumn![i % columns]!),
        columns,
        127,
      ),
    );
    const weights = new EightBitWeights(127);
    const plain = weights.of(matrix, columns, true);
    expect(weights.of(matrix, columns, true, byColumn)).not.toEqual(plain);
    expect(weights.of(matrix, columns, true)).toEqual(plain);
  });

  it('are made once', () => {
    const weights = new EightBitWeights(127);
    expect(weights.of(matrix, columns, true)).toBe(weights.of(matrix, columns, true));
    expect(weights.of(matrix, columns, false)).not.toBe(weights.of(matrix, columns, true));
  });

  it('keep to a range that this processor multiplies right', async () => {
    expect([127, 63]).toContain(await eightBitRange(await loadOnnxRuntime()));
  });
});
