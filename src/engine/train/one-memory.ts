import { formatBytes, type Recipe, type Strategy } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { MAX_MEMORY_BYTES } from '../kernels/memory.ts';
import { sizesOf, type Workload } from './estimate.ts';

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
  const { trained } = sizesOf(work, recipe.strategy);
  const bytes = bytesOf(recipe.strategy);
  if (bytes <= room) return;
  const count = `${(trained / 1e6).toFixed(0)} million`;
  throw new LuthierError(
    'not-enough-memory',
    `The run would train ${count} parameters; with gradients and AdamW's moments they take ${formatBytes(bytes)}, and at most ${formatBytes(room)} can be trained at once, however much memory this machine has.`,
    `${fewer(work.encoder.numLayers, (strategy) => bytesOf(strategy) <= room)}{"type": "lora"}, with "load_in_8bit": true if speed matters, or {"type": "head"}.`,
  );
}

/** The strategy that freezes as few layers as fit. */
function fewer(layers: number, fits: (strategy: Strategy) => boolean): string {
  for (let num_frozen_layers = 1; num_frozen_layers < layers; num_frozen_layers++) {
    if (fits({ type: 'freeze', num_frozen_layers })) {
      return `Train fewer with one of these strategies: {"type": "freeze", "num_frozen_layers": ${num_frozen_layers}}, `;
    }
  }
  return 'Train fewer with one of these strategies: ';
}
