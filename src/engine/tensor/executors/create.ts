import type { BackendChoice } from '../../../protocol/index.ts';
import { createAutoExecutor, type Say } from './auto.ts';
import { createNamedExecutor } from './create-named.ts';
import type { Executor } from './executor.ts';

export interface CreateOptions {
  /** The width of the model to be run, at which `auto` looks where there is something to choose. */
  hiddenSize?: Promise<number>;
  /** Hears what `auto` chose and why, where that is not the usual. */
  note?: Say;
}

/**
 * The executor that a recipe or a command names; `auto` is the fastest here.
 * @throws LuthierError `backend-unavailable` with the reason
 */
export async function createExecutor(
  choice: BackendChoice,
  { hiddenSize, note }: CreateOptions = {},
): Promise<Executor> {
  // Whoever opens the model says what is wrong with it.
  hiddenSize?.catch(() => {});
  if (choice !== 'auto') return createNamedExecutor(choice);
  return createAutoExecutor({ hiddenSize, note });
}
