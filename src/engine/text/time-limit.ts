import { createContext, Script } from 'node:vm';

/**
 * Runs a function that must not take longer than `milliseconds`, and ends it when it does. A tokenizer's regular
 * expression comes from outside and may take exponential time on a text (`(a+)+$`); V8 hears of the end of such a
 * script's time even while it backtracks, so that neither a thread nor a second engine of regular expressions is
 * needed. A call costs some 0.1 ms.
 * @throws OutOfTime; whatever `work` throws
 */
export function withTimeLimit<T>(milliseconds: number, work: () => T): T {
  shared ??= { script: new Script('run()'), globals: createContext({ run: undefined }) as { run: unknown } };
  const { script, globals } = shared;
  const before = globals.run;
  let result: T;
  globals.run = () => {
    result = work();
  };
  try {
    script.runInContext(globals, { timeout: Math.ceil(milliseconds) });
    return result!;
  } catch (error) {
    // An error of the other context's, so no instance of this one's Error.
    if ((error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw new OutOfTime(milliseconds);
    throw error;
  } finally {
    globals.run = before;
  }
}

export class OutOfTime extends Error {
  constructor(readonly milliseconds: number) {
    super(`The time of ${milliseconds} ms is over.`);
    this.name = 'OutOfTime';
  }
}

let shared: { script: Script; globals: { run: unknown } } | undefined;
