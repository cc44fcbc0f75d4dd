import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Random } from '../../src/engine/data/random.ts';
import { chooseHead, GRID, type HeadProblem, headLogits, solveHead } from '../../src/engine/train/solve-head.ts';
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
  (_, { weight, bias, C, ...problem }) => {
    const solved = solveHead({ ...problem, features, width: read.width }, C, undefined, { tolerance: 1e-9 });
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
