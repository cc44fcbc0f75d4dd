// What is said where a training does not fit into a graphics card's memory.
import { counted, formatBytes, LuthierError, type Recipe } from '../../protocol/index.ts';

type Batches = Pick<Recipe, 'per_device_train_batch_size' | 'gradient_accumulation_steps'>;

/** How many micro-batches of so many rows a step is made of. */
export function microBatches(recipe: Batches, size: number): number {
  const { per_device_train_batch_size: batch, gradient_accumulation_steps: accumulation } = recipe;
  return size === batch ? accumulation : Math.ceil((batch * accumulation) / size);
}

/** A step with micro-batches of another size is one of the recipe that has that size. */
export function smallerSteps(recipe: Batches, size: number): string {
  const pieces = microBatches(recipe, size);
  const rows = counted(size, 'row');
  return `From now on a step computes ${rows} at a time and sums the gradients of ${pieces}: the same batch as before, as per_device_train_batch_size ${size} with gradient_accumulation_steps ${pieces} gives it, in more time.`;
}

/** @param before rows that were evaluated at a time */
export const smallerEvaluations = (size: number, before: number): string =>
  `From now on ${counted(size, 'row')} instead of ${before} ${size === 1 ? 'is' : 'are'} evaluated at a time, which takes longer and gives the same results.`;

interface Attempt {
  /** 1-based number of the step. */
  step: number;
  /** What was computed at a time: “1 row”. */
  rows: string;
  /** Most bytes that the card had room for; undefined where the executor has no memory of its own. */
  peak: number | undefined;
  whatFits: (bytes: number) => string;
}

/** Of a step that does not fit in the smallest pieces, what would; any other error as it is. */
export function explainFull(error: unknown, { step, rows, peak, whatFits }: Attempt): unknown {
  if (peak === undefined || !(error instanceof LuthierError) || error.code !== 'not-enough-memory') return error;
  return new LuthierError(
    'not-enough-memory',
    `The graphics card has too little memory for step ${step}, even with ${rows} at a time: ${formatBytes(peak)} is the most that it had room for.`,
    whatFits(peak),
    { cause: error },
  );
}
