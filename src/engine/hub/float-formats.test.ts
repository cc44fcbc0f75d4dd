import { describe, expect, it } from 'vitest';
import { bfloatBits, bfloatToFloat, halfBits, halfToFloat } from './float-formats.ts';

const every = Uint16Array.from({ length: 65536 }, (_, i) => i);
const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);

describe.each([
  ['binary16', halfToFloat, halfBits],
  ['bfloat16', bfloatToFloat, bfloatBits],
] as const)('%s', (_, toFloat, toBits) => {
  const values = new Float32Array(65536);
  toFloat(every, values);

  it('every pattern comes back from its value, NaN as some NaN', () => {
    for (const pattern of every) {
      const back = toBits(bitsOf(values)[pattern]!);
      const value = values[pattern]!;
      if (Number.isNaN(value)) {
        const again = new Float32Array(1);
        toFloat(Uint16Array.of(back), again);
        expect(again[0]).toBeNaN();
      } else if (back !== pattern) expect(back).toBe(pattern);
    }
  });

  it('what lies between two neighbours goes to the nearer, the middle to the even one', () => {
    const probe = new Float32Array(1);
    const round = (value: number): number => {
      probe[0] = value;
      return toBits(bitsOf(probe)[0]!);
    };
    for (let pattern = 0; Number.isFinite(values[pattern + 1]!); pattern++) {
      const low = values[pattern]!;
      const high = values[pattern + 1]!;
      const middle = (low + high) / 2;
      if (Math.fround(middle) !== middle) continue;
      const even = pattern % 2 === 0 ? pattern : pattern + 1;
      const got = [round(middle), round(-middle), round((low + middle) / 2), round((middle + high) / 2)];
      const want = [even, even | 0x8000, pattern, pattern + 1];
      // float32 itself cannot tell the quarters apart near the smallest bfloat16.
      if (Math.fround((low + middle) / 2) !== (low + middle) / 2) got[2] = want[2]!;
      if (Math.fround((middle + high) / 2) !== (middle + high) / 2) got[3] = want[3]!;
      if (got.some((value, i) => value !== want[i])) expect(got).toEqual(want);
    }
  });

  it('what is too large becomes infinite', () => {
    const huge = Float32Array.of(3.4028234e38, -3.4028234e38);
    const infinite = toBits(0x7f800000);
    expect([...bitsOf(huge)].map(toBits)).toEqual([infinite, infinite | 0x8000]);
  });
});

it('binary16 ends at 65504: 65519 still rounds to it, 65520 no longer', () => {
  const at = (value: number) => halfBits(bitsOf(Float32Array.of(value))[0]!);
  expect([at(65504), at(65519), at(65520)]).toEqual([0x7bff, 0x7bff, 0x7c00]);
});
