import { formatBytes, LuthierError, type Recipe, type Strategy } from '../../protocol/index.ts';
import { listed } from '../data/problems.ts';
import type { Architecture } from '../models/architecture.ts';
import { STRATEGIES } from '../strategies/index.ts';
import { MAX_MEMORY_BYTES } from '../tensor/kernels/memory.ts';
import { sizesIn, sizesOf, suits, type Workload } from './estimate.ts';

/** A trained parameter, its gradient, and AdamW's two moments; where gradients are summed, their sum. */
const bytesEach = ({ gradient_accumulation_steps }: Recipe) => 4 * (gradient_accumulation_steps > 1 ? 5 : 4);

/** Left for dropout masks and what else the kernels work on. */
const RESERVED_BYTES = 256 * 2 ** 20;

/**
 * Refuses a run whose trained parameters do not fit into the one memory that the optimiser's kernels reach, 4 GiB.
 * Frozen ones lie in another (parameter-store.ts), so what is refused can be had by training fewer.
 * @throws LuthierError `not-enough-memory` with the figure and the strategies that fit
 */
export function requireOneMemory(work: Workload, recipe: Recipe): void {
  const bytesOf = (strategy: Strategy) => sizesOf(work, strategy).trained * bytesEach(recipe);
  const room = MAX_MEMORY_BYTES - RESERVED_BYTES;
  const { trained } = sizesIn(work, recipe);
  const bytes = trained * bytesEach(recipe);
  if (bytes <= room) return;
  const count = `${(trained / 1e6).toFixed(0)} million`;
  throw new LuthierError(
    'not-enough-memory',
    `The run would train ${count} parameters; with gradients and AdamW's moments they take ${formatBytes(bytes)}, and at most ${formatBytes(room)} can be trained at once, however much memory this machine has.`,
    `Train fewer with one of these strategies: ${listed(
      fewer(work.architecture, (strategy) => suits(work, strategy) && bytesOf(strategy) <= room),
      'or',
    )}.`,
  );
}

/** The strategies that fit, as a recipe has them: of those that freeze layers, the one that freezes as few as possible. */
function fewer({ numLayers }: Architecture, fits: (strategy: Strategy) => boolean): string[] {
  return Object.entries(STRATEGIES).flatMap(([type, { schema }]) => {
    const layers = Array.from({ length: numLayers - 1 }, (_, i) => ({ type, num_frozen_layers: i + 1 }));
    const written = [{ type }, ...layers].find((keys) => {
      const { data } = schema.safeParse(keys);
      return data !== undefined && fits(data);
    });
    if (!written) return [];
    const faster = 'load_in_8bit' in schema.shape ? ' (with "load_in_8bit": true if speed matters)' : '';
    return [`${JSON.stringify(written).replace(/([:,])/g, '$1 ')}${faster}`];
  });
}
