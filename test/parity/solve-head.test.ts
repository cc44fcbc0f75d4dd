import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Random } from '../../src/engine/data/random.ts';
import { chooseHead, GRID } from '../../src/engine/train/choose-head.ts';
import { type HeadProblem, HeadProducts } from '../../src/engine/train/head-products.ts';
import { headLogits, solveHead } from '../../src/engine/train/solve-head.ts';
import { figures } from './executors.ts';

interface Case extends Pick<HeadProblem, 'outputs' | 'loss' | 'labels' | 'classWeights'> {
  C: number;
  weight: number[][];
  bias: number[];
}
const read = JSON.parse(readFileSync(figures('solved-heads.json'), 'utf8')) as {
  width: number;
  features: number[];
  cases: Case[];
};
const features = Float32Array.from(read.features);

it.each(read.cases.map((it) => [`${it.loss}, ${it.outputs} outputs, C ${it.C}`, it] as const))(
  'is scikit-learn’s at its end: %s',
  async (_, { weight, bias, C, ...problem }) => {
    const solved = await solveHead({ ...problem, features, width: read.width }, C, { tolerance: 1e-11 });
    for (const [i, w] of weight.flat().entries()) expect(Math.abs(solved.weight[i]! - w)).toBeLessThan(1e-4);
    for (const [k, b] of bias.entries()) expect(Math.abs(solved.bias[k]! - b)).toBeLessThan(1e-4);
  },
);

const random = new Random(1);
/** Rows about a centre for each class, the first class rare. */
function rows(count: number, noise: number, shift = 0): HeadProblem {
  const labels = Array.from({ length: count }, (_, i) => (i % 7 === 0 ? 0 : 1 + (i % 2)));
  const features = Float32Array.from(
    labels.flatMap((label) => [0, 1, 2, 3].map((j) => shift + (j === label ? 1 : 0) + noise * (random.float() - 0.5))),
  );
  return { features, width: 4, labels, outputs: 3, loss: 'class' };
}

it('chooses C by cross-validation, and folds centre and scale back', async () => {
  const problem = rows(70, 1.5, 100);
  const head = await chooseHead(problem);
  expect(head.folds).toBe(5);
  expect(head.choices.map(({ C }) => C)).toEqual([...GRID]);
  for (const { accuracy, loss } of head.choices) {
    expect(accuracy).toBeGreaterThan(0.4);
    expect(loss).toBeGreaterThan(0);
  }
  const best = Math.max(...head.choices.map(({ accuracy }) => accuracy!));
  expect(head.choices.find(({ C }) => C === head.C)!.accuracy).toBeCloseTo(best, 9);
  const logits = headLogits(problem.features, 4, head);
  const right = Array.from(problem.labels).filter((label, i) => {
    const row = [...logits.subarray(3 * i, 3 * i + 3)];
    return row.indexOf(Math.max(...row)) === label;
  });
  expect(right.length).toBeGreaterThan(56);
});

it('needs no folds for two rows, nor a row of every class', async () => {
  const { folds, choices, C } = await chooseHead({ ...rows(2, 0), labels: [0, 2] });
  expect([folds, choices, C]).toEqual([0, [], 1]);
  const { choices: few } = await chooseHead({ ...rows(8, 1), labels: [0, 1, 1, 1, 1, 1, 1, 2] });
  expect(few.every(({ loss }) => Number.isFinite(loss))).toBe(true);
});

it('ends between two solutions when it is told to', async () => {
  let turns = 0;
  const stop = async () => {
    if (++turns === 4) throw new Error('enough');
  };
  await expect(chooseHead(rows(30, 1), stop)).rejects.toThrow('enough');
  expect(turns).toBe(4);
});

it('chooses C without the rows that are fitted alone, and fits them', async () => {
  const own = rows(60, 0.1);
  // Rows of every class at one place: held out, a third of them could be right.
  const labels = [...Array.from(own.labels), ...Array.from({ length: 30 }, (_, i) => i % 3)];
  const features = Float32Array.from([...own.features, ...new Float32Array(30 * 4).fill(0.5)]);
  const problem = { ...own, labels, features };
  const head = await chooseHead({ ...problem, fittedAlone: 30 });
  expect(head.rows).toBe(60);
  expect(head.choices.find(({ C }) => C === 1000)).toMatchObject({ accuracy: 1 });
  expect((await chooseHead(problem)).choices.every(({ accuracy }) => accuracy! < 0.8)).toBe(true);
  const alone = await solveHead({ ...problem, features: features.map((x) => x - 0.5) }, 1);
  expect(alone.loss).toBeGreaterThan(0.3);
  expect(Math.abs(head.loss - (await chooseHead(own)).loss)).toBeGreaterThan(0.2);
});

it('more rows than are in memory at once are brought in piece by piece, with the same sums', async () => {
  const [N, D, K] = [7000, 600, 3];
  const random = new Random(5);
  const features = Float32Array.from({ length: N * D }, () => random.float() - 0.5);
  const labels = Array.from({ length: N }, (_, i) => i % K);
  const problem: HeadProblem = { features, width: D, labels, outputs: K, loss: 'class' };
  const products = new HeadProducts(problem);
  const head = Float64Array.from({ length: products.length }, (_, i) => (i % 4 < K ? Math.sin(i) / 50 : 0));
  const gradient = new Float64Array(head.length);
  let pieces = 0;
  const { loss: total } = await products.losses(problem, head, gradient, async () => {
    pieces++;
  });
  expect(pieces).toBe(2);
  let expected = 0;
  const by = new Float64Array(head.length);
  for (let row = 0; row < N; row++) {
    const x = features.subarray(row * D, (row + 1) * D);
    const logits = [0, 1, 2].map((k) => x.reduce((sum, v, j) => sum + v * head[j * 4 + k]!, head[D * 4 + k]!));
    const log = Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0));
    expected += log - logits[labels[row]!]!;
    for (let k = 0; k < K; k++) {
      const d = Math.exp(logits[k]! - log) - (k === labels[row] ? 1 : 0);
      for (let j = 0; j < D; j++) by[j * 4 + k]! += d * x[j]!;
      by[D * 4 + k]! += d;
    }
  }
  expect(Math.abs(total - expected)).toBeLessThan(1e-9 * expected);
  for (const [i, value] of by.entries()) expect(Math.abs(gradient[i]! - value)).toBeLessThan(1e-9);
});

it('is solved where inputs are sums of others, and where they say nothing', async () => {
  const labels = Array.from({ length: 60 }, (_, i) => i % 3);
  // One of three is 1: with the bias, one input too many. Far from zero, so that little of a row is its own.
  const features = Float64Array.from(labels.flatMap((label) => [0, 1, 2].map((j) => 1e4 + (j === label ? 1 : 0))));
  const problem: HeadProblem = { features, width: 3, labels, outputs: 3, loss: 'class' };
  const solved = await chooseHead(problem);
  expect(solved.converged).toBe(true);
  expect(solved.loss).toBeLessThan(0.01);
  const constant = await chooseHead({ ...problem, features: new Float64Array(180).fill(7) });
  expect([constant.converged, constant.iterations]).toEqual([true, 0]);
  expect(constant.loss).toBeCloseTo(Math.log(3), 9);
  const raw = await solveHead(problem, 1000, { maxIterations: 200 });
  expect(raw.weight.every(Number.isFinite)).toBe(true);
});
