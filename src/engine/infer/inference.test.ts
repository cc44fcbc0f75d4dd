import { describe, expect, it } from 'vitest';
import { inBatches } from './inference.ts';

const text = (length: number) => ({ ids: new Int32Array(length).fill(length), typeIds: null });

describe('inBatches', () => {
  it('gives results in the order of the texts, very long ones first, others as they come', async () => {
    const lengths = [5, 300, 7, 128, 129, 3, 256, 90];
    const batches: number[][] = [];
    const turns: number[] = [];
    const results = await inBatches({
      texts: lengths.map(text),
      batchSize: 3,
      width: 2,
      run: async (batch) => {
        batches.push(batch.map(({ ids }) => ids.length));
        return Float32Array.from(batch.flatMap(({ ids }) => [ids.length, -ids.length]));
      },
      between: (done) => void turns.push(done),
    });
    expect(batches).toEqual([
      [300, 129, 256],
      [5, 7, 128],
      [3, 90],
    ]);
    expect(turns).toEqual([3, 6, 8]);
    expect([...results]).toEqual(lengths.flatMap((length) => [length, -length]));
  });
});
