/**
 * What `Math.max(...values)` and `push(...values)` do, for any number of values: an argument list is a part of the
 * stack, and some 125,000 rows spread into one overflow it. scripts/lint/no-spread-of-data.grit refuses those.
 */

/** The largest value, or of what `of` makes of each; `least` for none and at the least (−Infinity unless given). */
export function largest(values: ArrayLike<number>, of?: undefined, least?: number): number;
export function largest<T>(values: ArrayLike<T>, of: (value: T) => number, least?: number): number;
export function largest<T>(values: ArrayLike<T>, of?: (value: T) => number, least = Number.NEGATIVE_INFINITY): number {
  let result = least;
  for (let i = 0; i < values.length; i++) {
    const value = of === undefined ? (values[i] as number) : of(values[i]!);
    // As Math.max has it.
    if (value > result || Number.isNaN(value)) result = value;
  }
  return result;
}

/** The smallest value; Infinity for none. */
export const smallest = (values: ArrayLike<number>): number => {
  let result = Number.POSITIVE_INFINITY;
  for (let i = 0; i < values.length; i++) if (values[i]! < result || Number.isNaN(values[i])) result = values[i]!;
  return result;
};

/** The plain mean; NaN of none. */
export const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Puts all of `more` at the end of `target`. */
export function append<T>(target: T[], more: Iterable<T>): void {
  for (const value of more) target.push(value);
}
