import type { BackendChoice } from '../../protocol/index.ts';
import { createAutoExecutor, type Say } from './auto.ts';
import { createNamedExecutor } from './create-named.ts';
import type { Executor } from './executor.ts';

export interface CreateOptions {
  /** The model to be run, whose size `auto` looks at where there is something to choose. */
  model?: Promise<{ readonly config: Readonly<Record<string, unknown>> }>;
  /** Hears what `auto` chose and why, where that is not the usual. */
  note?: Say;
}

/**
 * The executor that a recipe or a command names; `auto` is the fastest here.
 * @throws LuthierError `backend-unavailable` with the reason
 */
export async function createExecutor(choice: BackendChoice, { model, note }: CreateOptions = {}): Promise<Executor> {
  if (choice !== 'auto') return createNamedExecutor(choice);
  const hiddenSize = model?.then(({ config }) => Number(config.hidden_size) || undefined);
  // Whoever opens the model says what is wrong with it.
  hiddenSize?.catch(() => {});
  return createAutoExecutor({ hiddenSize, note });
}
