import { CONTEXT_KEYS } from './ids.ts';
import { hasModel, hasWriter, isOver, isResumable, isWorking, type Run } from './runs/run.ts';

type Key = (typeof CONTEXT_KEYS)[keyof typeof CONTEXT_KEYS];

/** What the runs let a person do: commands that could not work are hidden by it. */
export function runKeys(runs: readonly Run[]): Partial<Record<Key, boolean>> {
  return {
    [CONTEXT_KEYS.training]: runs.some(isWorking),
    [CONTEXT_KEYS.queued]: runs.some((run) => run.state === 'queued'),
    [CONTEXT_KEYS.hasRuns]: runs.length > 0,
    [CONTEXT_KEYS.hasSeveralRuns]: runs.length > 1,
    [CONTEXT_KEYS.hasModels]: runs.some(hasModel),
    [CONTEXT_KEYS.hasWriters]: runs.some(hasWriter),
    [CONTEXT_KEYS.hasResumable]: runs.some((run) => isResumable(run) || run.state === 'paused'),
    [CONTEXT_KEYS.hasFinished]: runs.some((run) => isOver(run) && run.readOnly === null),
  };
}

/** Sets context keys, each only when it changes: runs change many times a second. */
export class ContextKeys {
  private readonly known = new Map<string, boolean>();
  private readonly tell: (key: string, value: boolean) => void;

  constructor(tell: (key: string, value: boolean) => void) {
    this.tell = tell;
  }

  set(keys: Partial<Record<Key, boolean>>): void {
    for (const [key, value] of Object.entries(keys)) {
      if (this.known.get(key) === value) continue;
      this.known.set(key, value);
      this.tell(key, value);
    }
  }
}
