import { describe, expect, it } from 'vitest';
import { assignFolds, takePart } from './folds.ts';
import type { Example, TaskData } from './types.ts';

const rowsOf = (n: number, classes: number) =>
  Array.from({ length: n }, (_, i) => ({ label: i % classes, key: `text ${i}` }));

describe('assignFolds', () => {
  it('deals every class out evenly, and the same way each time', () => {
    const rows = rowsOf(103, 4);
    const folds = assignFolds(rows, 5, 42);
    for (let label = 0; label < 4; label++) {
      const counts = [1, 2, 3, 4, 5].map(
        (fold) => rows.filter((r, i) => r.label === label && folds[i] === fold).length,
      );
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
    const sizes = [1, 2, 3, 4, 5].map((fold) => folds.filter((f) => f === fold).length);
    expect(sizes.sort()).toEqual([20, 20, 21, 21, 21]);
    expect(assignFolds(rows, 5, 42)).toEqual(folds);
    expect(assignFolds(rows, 5, 43)).not.toEqual(folds);
  });

  it('keeps rows with the same text in one fold', () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({ label: i % 2, key: `text ${i % 20}` }));
    const folds = assignFolds(rows, 4, 1);
    for (let text = 0; text < 20; text++) {
      expect(new Set(folds.filter((_, i) => i % 20 === text)).size).toBe(1);
    }
  });

  it('refuses more folds than texts', () => {
    expect(() => assignFolds(rowsOf(3, 2), 5, 1)).toThrow('3 different texts cannot be divided into 5 folds.');
  });
});

it('every row is measured once, by a model that was not trained on it; the test part is left for the last model', () => {
  const example = (i: number): Example => ({ text: `t${i}`, label: i % 2, file: 'f.csv', line: i + 2 });
  const dataset = {
    labels: ['a', 'b'],
    train: Array.from({ length: 17 }, (_, i) => example(i)),
    validation: Array.from({ length: 4 }, (_, i) => example(17 + i)),
    test: [example(99)],
  } as unknown as TaskData<Example>;
  const of = ({ text, label }: Example) => ({ label, key: text });
  const parts = [1, 2, 3].map((fold) => takePart(dataset, { fold, count: 3 }, 7, of));
  const measured = parts.flatMap(({ validation }) => validation.map(({ line }) => line));
  expect(measured.sort((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, i) => i + 2));
  for (const { train, validation, test } of parts) {
    expect(train.length + validation.length).toBe(21);
    expect(train.some((row) => validation.includes(row))).toBe(false);
    expect(test).toEqual([]);
  }
  const all = takePart(dataset, 'all', 7, of);
  expect([all.train.length, all.validation.length, all.test.length]).toEqual([21, 0, 1]);
});
