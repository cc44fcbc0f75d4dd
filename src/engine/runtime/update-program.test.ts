import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Executor } from '../tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../tensor/executors/onnxruntime.ts';
import { GRADIENT, PARAMETER } from './programs.ts';
import { MEAN, RATES, ratesOf, SQUARE, updateProgram } from './update-program.ts';

interface AdamWCase {
  lr: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weight_decay: number;
  max_norm: number | null;
  start: number[];
  steps: { gradient: number[]; norm: number | null; weights: number[]; exp_avg: number[]; exp_avg_sq: number[] }[];
}
const { cases } = JSON.parse(
  readFileSync(new URL('../../../test/parity/figures/adamw.json', import.meta.url), 'utf8'),
) as { cases: AdamWCase[] };

describe('updateProgram', () => {
  let executor: Executor;
  beforeAll(async () => {
    executor = await createOnnxRuntimeExecutor({ numThreads: 1 });
  });
  afterAll(() => executor.dispose());

  test.each(cases)('follows torch.optim.AdamW (max_norm $max_norm, weight_decay $weight_decay)', async (figures) => {
    const n = figures.start.length;
    const settings = {
      adam_beta1: figures.beta1,
      adam_beta2: figures.beta2,
      adam_epsilon: figures.epsilon,
      weight_decay: figures.weight_decay,
      max_grad_norm: figures.max_norm ?? 0,
    };
    // Two parameters, one step: the norm is that of both.
    const [cut, names] = [Math.floor(n / 3), ['first', 'second']];
    const parts = (x: ArrayLike<number>) => [Float32Array.from(x).slice(0, cut), Float32Array.from(x).slice(cut)];
    const group = { start: 0, end: n, decay: true, rate: 1, phases: [0] };
    const updated = { first: { shape: [1, cut], group }, second: { shape: [n - cut], group } };
    const { program, inputs } = updateProgram(updated, settings);
    const compiled = await executor.compile(program, inputs);
    const named = (prefix: string, x: ArrayLike<number>) =>
      Object.fromEntries(parts(x).map((part, i) => [prefix + names[i], part]));
    let state = {
      ...named(PARAMETER, figures.start),
      ...named(MEAN, new Array(n).fill(0)),
      ...named(SQUARE, new Array(n).fill(0)),
    };
    const whole = (prefix: string) => names.flatMap((name) => [...state[prefix + name]!]);
    const largest = (k: number) => Math.max(...figures.steps.map((step) => Math.abs(step.gradient[k]!)));
    for (const [i, expected] of figures.steps.entries()) {
      const next = Object.fromEntries(Object.entries(state).map(([name, x]) => [name, new Float32Array(x.length)]));
      const grad_norm = new Float32Array(1);
      const rates = { [RATES]: ratesOf(updated, settings, figures.lr, () => i + 1) };
      await compiled.run({ ...state, ...named(GRADIENT, expected.gradient), ...rates }, { ...next, grad_norm });
      state = next;
      if (expected.norm !== null) expect(Math.abs(grad_norm[0]! / expected.norm - 1)).toBeLessThan(1e-6);
      const [weights, mean, square] = [whole(PARAMETER), whole(MEAN), whole(SQUARE)];
      for (let k = 0; k < n; k++) {
        expect(Math.abs(weights[k]! - expected.weights[k]!)).toBeLessThan(6e-7 * Math.max(1, Math.abs(weights[k]!)));
        expect(Math.abs(mean[k]! - expected.exp_avg[k]!)).toBeLessThan(2e-7 * largest(k) + 1e-30);
        expect(Math.abs(square[k]! - expected.exp_avg_sq[k]!)).toBeLessThan(2e-6 * expected.exp_avg_sq[k]! + 1e-30);
      }
    }
    compiled.dispose();
  });

  test('each group has its own decay, rate and count of steps', async () => {
    const settings = { adam_beta1: 0.9, adam_beta2: 0.99, adam_epsilon: 1e-8, weight_decay: 0.5, max_grad_norm: 0 };
    const group = { start: 0, end: 1, decay: true, rate: 1, phases: [0] };
    const updated = {
      'a.weight': { shape: [1], group },
      'a.bias': { shape: [1], group: { ...group, decay: false } },
      'b.weight': { shape: [1], group: { ...group, rate: 0.5 } },
    };
    const { program, inputs } = updateProgram(updated, settings);
    const compiled = await executor.compile(program, inputs);
    const run = async (gradient: number, stepOf: Parameters<typeof ratesOf>[3]) => {
      const feeds = Object.fromEntries(
        Object.keys(inputs).map((name) => [
          name,
          Float32Array.of(name.startsWith(PARAMETER) ? 1 : name.startsWith(GRADIENT) ? gradient : 0),
        ]),
      );
      const fetches = Object.fromEntries(Object.keys(compiled.outputs).map((name) => [name, new Float32Array(1)]));
      await compiled.run({ ...feeds, [RATES]: ratesOf(updated, settings, 0.1, stepOf) }, fetches);
      return Object.keys(updated).map((name) => fetches[PARAMETER + name]![0]!);
    };
    expect(await run(0, () => 1)).toEqual([0.95, 1, 0.975].map(Math.fround));
    // A first step moves by the learning rate; one that is counted later by as much less as the corrections say.
    const later = (0.1 * ((1 - 0.9) / (1 - 0.9 ** 3))) / Math.sqrt((1 - 0.99) / (1 - 0.99 ** 3));
    const moved = await run(2, ({ decay }) => (decay ? 1 : 3));
    for (const [i, expected] of [0.95 - 0.1, 1 - later, 0.975 - 0.05].entries())
      expect(moved[i]).toBeCloseTo(expected, 5);
    compiled.dispose();
  });
});
