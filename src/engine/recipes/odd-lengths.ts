/**
 * A value as zod can look at it. It compares the `length` of whatever has one with the least that a text may have, even of
 * an object, and ends in a TypeError where that length is an object itself. Of such an object it is told that it has none.
 */
export function withoutOddLengths(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOddLengths);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, of]) => [
      key,
      key === 'length' && typeof of === 'object' ? null : withoutOddLengths(of),
    ]),
  );
}
