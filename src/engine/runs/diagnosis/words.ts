import { formatMetric, recipeNumber } from '../../../protocol/index.ts';

/** A loss in a sentence. */
export const figure = (value: number): string => formatMetric('loss', value);

/** A learning rate as a recipe has it: `5e-5`, `0.03`. */
export const rate = (value: number): string => recipeNumber(Number(value.toPrecision(3)));
