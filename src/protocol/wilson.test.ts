import { expect, test } from 'vitest';
import { wilson } from './wilson.ts';

test('intervals of few votes are wide, and are those of scipy', () => {
  // scipy 1.x, binomtest(hits, n).proportion_ci(method='wilson').
  const figures: [number, number, number, number][] = [
    [3, 5, 0.2307, 0.8824],
    [8, 10, 0.4902, 0.9433],
    [0, 4, 0, 0.4899],
    [4, 4, 0.5101, 1],
    [52, 100, 0.4232, 0.6154],
  ];
  for (const [hits, n, low, high] of figures) {
    const found = wilson(hits, n);
    expect(found.low, `${hits} of ${n}`).toBeCloseTo(low, 4);
    expect(found.high, `${hits} of ${n}`).toBeCloseTo(high, 4);
  }
});
