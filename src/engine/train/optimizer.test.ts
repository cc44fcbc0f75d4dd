import { describe, expect, it } from 'vitest';
import { Random } from '../data/random.ts';
import { ParameterStore } from '../runtime/parameter-store.ts';
import { Phases } from '../strategies/phases.ts';
import { adamWStep, gradientNorm } from './optimizer.ts';

/** What the store is told; a dense table is one of which nothing is said. */
const declared = (rowsOf?: string) =>
  new Map([
    ['a.weight', { shape: [4, 4], decay: true }],
    ['table.weight', { shape: [50, 6], decay: true, rowsOf }],
    ['b.weight', { shape: [3, 5], decay: true }],
    ['b.bias', { shape: [3], decay: false }],
  ]);
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
    const sparse = filled(new ParameterStore(declared('ids'), () => true));
    const dense = filled(new ParameterStore(declared(), () => true));
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

  it('has the norm of all gradients, of tables as of the rest', () => {
    for (const rowsOf of ['ids', undefined]) {
      const store = filled(new ParameterStore(declared(rowsOf), () => true));
      step(store, 1, [3, 49]);
      let sum = 0;
      for (const { trained } of store.parameters.values()) for (const g of trained!.gradient) sum += g * g;
      expect(gradientNorm(store)).toBeCloseTo(Math.sqrt(sum), 12);
    }
  });

  it('knows after a restore which rows have moments', () => {
    const store = filled(new ParameterStore(declared('ids'), () => true));
    step(store, 1, [7, 8]);
    const before = [...store.tables.get('table.weight')!.touched];
    const restored = new ParameterStore(declared('ids'), () => true);
    for (const key of ['weight', 'expAvg', 'expAvgSq'] as const) restored.trained[key].set(store.trained[key]);
    restored.retouch();
    expect([...restored.tables.get('table.weight')!.touched]).toEqual(before);
    expect(before.flatMap((t, row) => (t ? [row] : []))).toEqual([7, 8]);
  });

  it('gives each group its rate, its decay and its own count of steps, as if it were trained alone', () => {
    const free = { ...SETTINGS, max_grad_norm: 0 };
    const isA = (name: string) => name.startsWith('a');
    const thawed = new Phases([0, 2]);
    const both = filled(
      new ParameterStore(declared(), (phase, name) => isA(name) || phase === 1, {
        phases: thawed,
        rateOf: (name) => (isA(name) ? 1 : 0.5),
      }),
    );
    const a = filled(new ParameterStore(declared(), (_, name) => isA(name)));
    const rest = filled(new ParameterStore(declared(), (_, name) => !isA(name)));
    const untouched = filled(new ParameterStore(declared(), () => true));
    expect(both.trained.groups.map(({ decay, rate, phases }) => [decay, rate, phases])).toEqual([
      [true, 1, [0, 1]],
      [true, 0.5, [1]],
      [false, 0.5, [1]],
    ]);
    const weights = (store: ParameterStore) =>
      new Map([...store.parameters].map(([name, { weight }]) => [name, [...weight]]));
    for (const n of [1, 2, 3, 4]) {
      both.enter(thawed.at(n - 1));
      for (const store of [both, a, rest]) {
        for (const name of store.trainedNow()) {
          const random = new Random(n);
          const { gradient } = store.get(name).trained!;
          for (let i = 0; i < gradient.length; i++) gradient[i] = random.float() - 0.5;
        }
      }
      adamWStep(both, free, 0.01, n, 0);
      adamWStep(a, free, 0.01, n, 0);
      if (n > 2) adamWStep(rest, free, 0.005, n - 2, 0);
      const [ours, alone, others] = [weights(both), weights(a), weights(n > 2 ? rest : untouched)];
      for (const name of both.parameters.keys()) expect(ours.get(name)).toEqual((isA(name) ? alone : others).get(name));
    }
  });

  it('forgets the gradients of what a new phase freezes', () => {
    const store = new ParameterStore(declared(), (phase, name) => name.startsWith('a') === (phase === 0), {
      phases: new Phases([0, 3]),
    });
    store.get('a.weight').trained!.gradient.fill(1);
    expect(gradientNorm(store)).toBe(4);
    store.enter(1);
    expect(gradientNorm(store)).toBe(0);
    expect(store.trainedNow()).toEqual(['table.weight', 'b.weight', 'b.bias']);
  });
});
