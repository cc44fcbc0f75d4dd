import { describe, expect, it } from 'vitest';
import type { Graph } from '../graph/ir.ts';
import { quantizeBlocks } from './blocks.ts';
import { withBuiltInWeights } from './built-in-weights.ts';

const weight = (n: number, k: number) =>
  Float32Array.from({ length: n * k }, (_, i) => Math.sin(7 * i) * (1 + (i % 5)));

describe('weights in blocks of 8 bits', () => {
  it('are within half a step of the floats, each block with a scale of its own; what is beyond the end is zero', () => {
    const [n, k] = [3, 40];
    const given = weight(n, k);
    given[5] = 1000;
    const { values, scales } = quantizeBlocks(given, { n, k, transposed: true, range: 127 });
    expect([values.length, scales.length]).toEqual([n * 64, n * 2]);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < 64; j++) {
        const scale = scales[i * 2 + (j >> 5)]!;
        const back = (values[i * 64 + j]! - 128) * scale;
        expect(Math.abs(back - (j < k ? given[i * k + j]! : 0))).toBeLessThanOrEqual(scale / 2 + 1e-6);
      }
    // The outlier is in the first block alone.
    expect(scales[0]! / scales[1]!).toBeGreaterThan(100);
  });

  it('are the same of a weight that lies the other way round, and of zeros', () => {
    const [n, k] = [4, 32];
    const given = weight(n, k);
    const turned = Float32Array.from({ length: n * k }, (_, i) => given[(i % n) * k + Math.floor(i / n)]!);
    const options = { n, k, range: 63 };
    expect(quantizeBlocks(turned, { ...options, transposed: false })).toEqual(
      quantizeBlocks(given, { ...options, transposed: true }),
    );
    const { values } = quantizeBlocks(new Float32Array(n * k), { ...options, transposed: true });
    expect(new Set(values)).toEqual(new Set([128]));
  });

  it('replace the product that they were fed to, with its bias, and what nobody reads any more is no input', () => {
    const float = { dtype: 'float32' } as const;
    const graph: Graph = {
      inputs: ['x', 'w', 'b', 'v', 's'],
      outputs: new Map([['y', 'y']]),
      nodes: [{ op: 'DynamicQuantizeMatMul', inputs: ['x', 'v', 's', '', 'b'], outputs: ['y'], attributes: {} }],
      constants: new Map(),
      types: new Map([
        ['x', { ...float, shape: [1, 32] }],
        ['w', { ...float, shape: [4, 32] }],
        ['b', { ...float, shape: [4] }],
        ['v', { dtype: 'int8', shape: [32, 4] }],
        ['s', { ...float, shape: [4] }],
        ['y', { ...float, shape: [1, 4] }],
      ]),
    };
    const inputs = { w: { ...float, shape: [4, 32] } };
    const operands = [{ of: 'w', transposed: true, values: 'v', scales: 's' }];
    const made = withBuiltInWeights(graph, operands, inputs, { w: weight(4, 32) }, 127);
    expect(made.inputs).toEqual(['x', 'b']);
    expect(made.nodes).toMatchObject([
      { op: 'MatMulNBits', inputs: ['x', 'v', 's', '', '', 'b'], outputs: ['y'], attributes: { K: 32, N: 4, bits: 8 } },
    ]);
    expect(made.constants.get('v')).toMatchObject({ shape: [4, 1, 32], dtype: 'uint8' });
  });
});
