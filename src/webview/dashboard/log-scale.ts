/** A little room above and below, as a share of the range's logarithm. */
const PAD = 0.05;
/** Fewer labels than this say too little of a logarithmic axis; more stand too close. */
const [FEWEST, MOST] = [3, 8];

/** Range of a logarithmic axis that shows [min, max]: no wider than it must be, not whole decades. */
export const logRange = (min: number | null, max: number | null): [number, number] => {
  const high = max !== null && max > 0 ? max : 1;
  // Of what is not above nought a logarithm shows nothing.
  const low = min !== null && min > 0 ? min : Math.min(1e-3, high / 10);
  if (low === high) return [low / 2, high * 2];
  const pad = (high / low) ** PAD;
  return [low / pad, high * pad];
};

/** Places of labels on it: decades; where they are too few, 1, 2 and 5 in each; then every round number. */
export const logSplits = (min: number, max: number): number[] => {
  const decades = Array.from(
    { length: Math.floor(Math.log10(max)) - Math.floor(Math.log10(min)) + 1 },
    (_, k) => Math.floor(Math.log10(min)) + k,
  );
  // 10 ** -2 * 3 is 0.03 only after rounding.
  const at = (mantissa: number, exponent: number): number => Number(`${mantissa}e${exponent}`);
  for (const mantissas of [[1], [1, 3], [1, 2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9]]) {
    const splits = decades
      .flatMap((exponent) => mantissas.map((mantissa) => at(mantissa, exponent)))
      .filter((value) => value >= min && value <= max);
    if (splits.length > MOST) return splits.filter((_, i) => i % Math.ceil(splits.length / MOST) === 0);
    if (splits.length >= FEWEST) return splits;
  }
  const step = 10 ** Math.floor(Math.log10((max - min) / FEWEST));
  const wide = [1, 2, 5, 10].map((n) => n * step).find((width) => (max - min) / width <= MOST)!;
  const first = Math.ceil(min / wide);
  return Array.from({ length: Math.floor(max / wide) - first + 1 }, (_, i) => +((first + i) * wide).toPrecision(12));
};
