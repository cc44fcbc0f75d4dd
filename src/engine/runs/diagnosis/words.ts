import { formatCount, recipeNumber } from '../../../protocol/index.ts';

/** A loss or a factor in a sentence: three digits. */
export const figure = (value: number): string => {
  const rounded = Number(value.toPrecision(3));
  // Rounding up the largest numbers leaves their range.
  const digits = Number.isFinite(rounded) ? rounded : value;
  return Math.abs(digits) >= 1000 && Math.abs(digits) < 1e9 ? formatCount(Math.round(digits)) : String(digits);
};

/** A learning rate as a recipe has it: `5e-5`, `0.03`. */
export const rate = (value: number): string => recipeNumber(Number(value.toPrecision(3)));

/** A share as a percentage: `14 %`, `3.2 %`. */
export const share = (value: number): string => `${Number((100 * value).toPrecision(2))} %`;
