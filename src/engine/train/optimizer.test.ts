import { describe, expect, it } from 'vitest';
import { Random } from '../data/random.ts';
import { adamWStep, gradientNorm } from './optimizer.ts';
import { ParameterStore } from './parameter-store.ts';

const SHAPES = { 'a.weight': [4, 4], 'table.weight': [50, 6], 'b.weight': [3, 5], 'b.bias': [3] };
const SETTINGS = { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0.1, max_grad_norm: 1 };

const filled = (store: ParameterStore) => {
  const random = new Random(5);
  for (const { weight } of store.parameters.values())
    weight.forEach((_, i) => {
      weight[i] = random.float() - 0.5;
    });
  return store;
};

/** A step whose table has gradients in the given rows alone. */
function step(store: ParameterStore, n: number, rows: number[]): void {
  const random = new Random(n);
  store.trained.gradient.fill(0);
  for (const { name, trained } of store.parameters.values()) {
    const g = trained!.gradient;
    if (name === 'table.weight')
      for (const row of rows) for (let i = 0; i < 6; i++) g[row * 6 + i] = random.float() - 0.5;
    else for (let i = 0; i < g.length; i++) g[i] = random.float() - 0.5;
  }
  store.touch('table.weight', Int32Array.from(rows));
  adamWStep(store, SETTINGS, 0.01, n, gradientNorm(store));
}

describe('adamWStep', () => {
  it('moves a table of which few rows are touched as it moves a dense one, bit for bit', () => {
    const sparse = filled(new ParameterStore(SHAPES, () => true, { tables: ['table.weight'] }));
    const dense = filled(new ParameterStore(SHAPES, () => true));
    for (const [n, rows] of [
      [1, [3, 4, 49]],
      [2, [0]],
      [3, [4, 20]],
      [4, []],
    ] as [number, number[]][]) {
      step(sparse, n, rows);
      step(dense, n, rows);
      for (const key of ['weight', 'expAvg', 'expAvgSq'] as const)
        expect(sparse.trained[key]).toEqual(dense.trained[key]);
    }
    expect(sparse.tables.get('table.weight')!.touched.filter((t) => t === 1).length).toBe(5);
  });

  it('knows after a restore which rows have moments', () => {
    const store = filled(new ParameterStore(SHAPES, () => true, { tables: ['table.weight'] }));
    step(store, 1, [7, 8]);
    const before = [...store.tables.get('table.weight')!.touched];
    const restored = new ParameterStore(SHAPES, () => true, { tables: ['table.weight'] });
    for (const key of ['weight', 'expAvg', 'expAvgSq'] as const) restored.trained[key].set(store.trained[key]);
    restored.retouch();
    expect([...restored.tables.get('table.weight')!.touched]).toEqual(before);
    expect(before.flatMap((t, row) => (t ? [row] : []))).toEqual([7, 8]);
  });
});
