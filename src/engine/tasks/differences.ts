import { largest } from '../../protocol/index.ts';
import { sigmoid } from './multi-label-classification/report.ts';
import { type Differences, IGNORED, type LabelledItem, type Logits } from './task.ts';
import { softmax } from './text-classification/predictions.ts';

/** What is made of a state's logits, and whether two such say the same. */
interface Reading {
  probabilities(logits: Float32Array): number[];
  isSame(p: readonly number[], q: readonly number[]): boolean;
}

/**
 * Of items of which each state that has a label is one of `classes`.
 * @param a logits `[states, classes]`, one item's after the other's @param b the same, computed otherwise
 */
export const classDifferences = (
  items: readonly LabelledItem[],
  a: Logits,
  b: Logits,
  classes: number,
): Differences => {
  const best = (p: readonly number[]) => p.indexOf(largest(p));
  const states = items.map(({ labels }) => Array.from(labels, (label) => label !== IGNORED));
  return differences(states, a, b, classes, { probabilities: softmax, isSame: (p, q) => best(p) === best(q) });
};

/** Of items with any number of labels, each of which holds from a probability of `threshold` on; logits `[items, labels]`. */
export const labelDifferences = (
  items: readonly LabelledItem[],
  a: Logits,
  b: Logits,
  { labels, threshold }: { labels: number; threshold: number },
): Differences =>
  differences(
    items.map(() => [true]),
    a,
    b,
    labels,
    {
      probabilities: (logits) => Array.from(logits, sigmoid),
      isSame: (p, q) => p.every((x, i) => x >= threshold === q[i]! >= threshold),
    },
  );

/** @param states of each item, whether they count */
function differences(
  states: readonly (readonly boolean[])[],
  a: Logits,
  b: Logits,
  width: number,
  { probabilities, isSame }: Reading,
): Differences {
  let [changed, furthest, at] = [0, 0, 0];
  for (const item of states) {
    let isChanged = false;
    for (const counts of item) {
      const [p, q] = [a, b].map((logits) => probabilities(logits.subarray(at, at + width))) as [number[], number[]];
      at += width;
      if (!counts) continue;
      isChanged ||= !isSame(p, q);
      for (const [i, x] of p.entries()) {
        const distance = Math.abs(x - q[i]!);
        furthest = Math.max(furthest, Number.isFinite(distance) ? distance : 1);
      }
    }
    if (isChanged) changed++;
  }
  return { changed, largest: furthest };
}
