import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Executor } from '../tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../tensor/executors/onnxruntime.ts';
import { type Flattened, flatBlocks, gather, ROW, scatter } from './flat-blocks.ts';
import { GRADIENT, PARAMETER } from './programs.ts';
import { MEAN, ratesOf, SQUARE, spreadProgram, updateProgram } from './update-program.ts';

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
    const blocks = flatBlocks([
      { name: 'first', shape: [1, cut], group },
      { name: 'second', shape: [n - cut], group },
    ]);
    const { program, inputs } = updateProgram(blocks, settings);
    const compiled = await executor.compile(program, inputs);
    const named = (prefix: string, x: ArrayLike<number>) =>
      Object.fromEntries(
        blocks.map((block) => {
          const numbers = new Float32Array(block.rows * ROW);
          gather(block, (name) => parts(x)[names.indexOf(name)]!, numbers);
          return [prefix + block.name, numbers];
        }),
      );
    let state = {
      ...named(PARAMETER, figures.start),
      ...named(MEAN, new Array(n).fill(0)),
      ...named(SQUARE, new Array(n).fill(0)),
    };
    const whole = (prefix: string) => {
      const x = new Float32Array(n);
      const ends = [x.subarray(0, cut), x.subarray(cut)];
      for (const block of blocks) scatter(block, state[prefix + block.name]!, (name) => ends[names.indexOf(name)]!);
      return x;
    };
    const largest = (k: number) => Math.max(...figures.steps.map((step) => Math.abs(step.gradient[k]!)));
    for (const [i, expected] of figures.steps.entries()) {
      const next = Object.fromEntries(Object.entries(state).map(([name, x]) => [name, new Float32Array(x.length)]));
      const grad_norm = new Float32Array(1);
      const rates = ratesOf(blocks, settings, figures.lr, () => i + 1);
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

  test.each([Number.POSITIVE_INFINITY, 4 * ROW])(
    'each group has its own decay, rate and count of steps, in blocks of at most %d bytes',
    async (largest) => {
      const settings = { adam_beta1: 0.9, adam_beta2: 0.99, adam_epsilon: 1e-8, weight_decay: 0.5, max_grad_norm: 0 };
      const group = { start: 0, end: 1, decay: true, rate: 1, phases: [0] };
      const parameters: Flattened[] = [
        { name: 'a.weight', shape: [2, ROW], group },
        { name: 'a.bias', shape: [1], group: { ...group, decay: false } },
        { name: 'b.weight', shape: [1], group: { ...group, rate: 0.5 } },
        { name: 'c.weight', shape: [1], group: { ...group, phases: [0, 1] } },
      ];
      const sizes = new Map(parameters.map(({ name, shape }) => [name, shape.reduce((a, b) => a * b, 1)]));
      const blocks = flatBlocks(parameters, largest);
      // What is trained in other phases lies elsewhere; else together, but for the bytes that a block may have.
      expect(blocks).toHaveLength(largest === Number.POSITIVE_INFINITY ? 2 : 5);
      const [update, spread] = [updateProgram(blocks, settings), spreadProgram(blocks, new Map())];
      const [compiled, spreading] = [
        await executor.compile(update.program, update.inputs),
        await executor.compile(spread.program, spread.inputs),
      ];
      const run = async (gradient: number, stepOf: Parameters<typeof ratesOf>[3]) => {
        const feeds = Object.fromEntries(
          blocks.flatMap((block) =>
            [PARAMETER, MEAN, SQUARE, GRADIENT].map((prefix) => {
              const value = prefix === PARAMETER ? 1 : prefix === GRADIENT ? gradient : 0;
              const numbers = new Float32Array(block.rows * ROW);
              gather(block, (name) => new Float32Array(sizes.get(name)!).fill(value), numbers);
              return [prefix + block.name, numbers];
            }),
          ),
        );
        const empty = (outputs: typeof compiled.outputs) =>
          Object.fromEntries(
            Object.entries(outputs).map(([name, { shape }]) => [
              name,
              new Float32Array(shape.reduce((a, b) => a * b, 1)),
            ]),
          );
        const [next, each] = [empty(compiled.outputs), empty(spreading.outputs)];
        await compiled.run({ ...feeds, ...ratesOf(blocks, settings, 0.1, stepOf) }, next);
        await spreading.run(
          Object.fromEntries(blocks.map(({ name }) => [PARAMETER + name, next[PARAMETER + name]!])),
          each,
        );
        return parameters.map(({ name }) => {
          const values = each[PARAMETER + name]!;
          expect(values).toHaveLength(sizes.get(name)!);
          expect(new Set(values).size).toBe(1);
          return values[0]!;
        });
      };
      expect(await run(0, () => 1)).toEqual([0.95, 1, 0.975, 0.95].map(Math.fround));
      // A first step moves by the learning rate; one that is counted later by as much less as the corrections say.
      const later = (0.1 * ((1 - 0.9) / (1 - 0.9 ** 3))) / Math.sqrt((1 - 0.99) / (1 - 0.99 ** 3));
      const moved = await run(2, ({ phases }) => (phases.length === 1 ? 1 : 3));
      for (const [i, expected] of [0.95 - 0.1, 1 - 0.1, 0.975 - 0.05, 0.95 - later].entries())
        expect(moved[i]).toBeCloseTo(expected, 5);
      for (const c of [compiled, spreading]) c.dispose();
    },
  );
});
