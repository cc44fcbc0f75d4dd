import { describe, expect, test } from 'vitest';
import { LuthierError } from '../../../protocol/index.ts';
import { EngineMemory, sizeFor } from './memory.ts';

describe('EngineMemory', () => {
  test('gives aligned, separate, zeroed arrays of one buffer, as many as sizeFor counted', () => {
    const memory = EngineMemory.create(sizeFor({ float32: [3, 17, 0], int32: [5], uint8: [1, 65, 200_000] }));
    const views = [
      ...[memory.float32(3), memory.float32(17), memory.float32(0)],
      ...[memory.int32(5), memory.uint8(1), memory.uint8(65), memory.uint8(200_000)],
    ];
    let end = 0;
    for (const view of views) {
      expect(view.byteOffset % 64).toBe(0);
      expect(view.byteOffset).toBeGreaterThanOrEqual(end);
      expect(view.buffer).toBe(views[0]!.buffer);
      expect(view.every((value) => value === 0)).toBe(true);
      end = view.byteOffset + view.byteLength;
    }
  });

  test('more than was sized for is refused', () => {
    const memory = EngineMemory.create(sizeFor({ float32: [10] }));
    memory.float32(10);
    expect(() => memory.float32(1_000_000)).toThrow('size it with sizeFor');
  });

  test('past 4 GiB: not-enough-memory, with the figures', () => {
    const error = (() => {
      try {
        EngineMemory.create(sizeFor({ float32: [335_000_000, 335_000_000, 335_000_000, 335_000_000] }));
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(LuthierError);
    expect((error as LuthierError).code).toBe('not-enough-memory');
    expect((error as LuthierError).message).toContain('4.99 GiB');
    expect((error as LuthierError).message).toContain('at most 4.00 GiB');
    expect((error as LuthierError).hint).toContain('num_frozen_layers');
  });

  test('the kernels reach above 2 GiB, where addresses no longer fit a signed integer', () => {
    const memory = EngineMemory.create(3 * 2 ** 30);
    memory.uint8(2.5 * 2 ** 30);
    const x = memory.float32(7);
    expect(x.byteOffset).toBeGreaterThan(2 ** 31);
    memory.kernels.fill(x, 3);
    memory.kernels.scale(x, 2);
    expect([...x]).toEqual(new Array(7).fill(6));
    expect(memory.kernels.sumOfSquares(x)).toBe(7 * 36);
    const ids = memory.int32(1);
    ids[0] = 1;
    memory.kernels.segmentSum(x.subarray(0, 6), x.subarray(0, 3), ids, 3);
    expect([...x]).toEqual([6, 6, 6, 12, 12, 12, 6]);
    const mask = memory.uint8(33);
    memory.kernels.dropoutMask(mask, { rate: 0, seed: 1, step: 1, site: 1 });
    expect(mask.every((value) => value === 1)).toBe(true);
  });
});
