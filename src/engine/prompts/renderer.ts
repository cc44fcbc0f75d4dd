import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Filled } from '../../prompts/render.ts';
import { counted, LuthierError, type TextRange } from '../../protocol/index.ts';
import { scriptBeside } from '../beside-bundle.ts';
import type { Fault, LoadedPrompt, ThreadAnswer, ThreadRequest, TruncateRequest } from './thread.ts';

/** What one rendering may take. A template takes a millisecond; one that takes this much has gone wrong. */
const MOST_MS = 2_000;
const MOST_MB = 64;
/** A thread says that it is ready in a tenth of a second; on a machine that is busy with all its cores, in seconds. */
const START_MS = 30_000;

/** A text's first tokens. */
export type Truncate = (text: string, tokens: number) => string;

export interface RenderOptions {
  /** What is rendered, as an error names it: `summary.prompty, row 3`. */
  what: string;
  truncate?: Truncate | null | undefined;
  signal?: AbortSignal | undefined;
}

interface Thread {
  worker: Worker;
  port: MessagePort;
  prompt: LoadedPrompt | null;
}

/**
 * Fills templates in a thread of its own: a template may come from anywhere, and a loop of a billion turns or a text
 * without end keeps nobody waiting for more than two seconds. The thread is then ended, and the next rendering has
 * another.
 */
export class PromptRenderer {
  #thread: Promise<Thread> | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #limits: { milliseconds: number; megabytes: number; startMilliseconds: number };
  readonly #script: string | undefined;

  /** @param script what the thread runs instead of the template's renderer, for tests */
  constructor(limits: { milliseconds?: number; megabytes?: number; startMilliseconds?: number } = {}, script?: string) {
    this.#limits = { milliseconds: MOST_MS, megabytes: MOST_MB, startMilliseconds: START_MS, ...limits };
    this.#script = script;
  }

  /**
   * @param prompt the same object for several rows is sent once
   * @throws LuthierError `prompt-invalid` naming what was rendered, with the line; `cancelled`
   */
  fill(prompt: LoadedPrompt, values: Record<string, unknown>, options: RenderOptions): Promise<Filled> {
    const mine = this.#turn.then(() => this.#fill(prompt, values, options));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  dispose(): void {
    const thread = this.#thread;
    this.#thread = null;
    void thread?.then(end, () => undefined);
  }

  async #fill(
    prompt: LoadedPrompt,
    values: Record<string, unknown>,
    { what, truncate = null, signal }: RenderOptions,
  ): Promise<Filled> {
    if (signal?.aborted) throw new LuthierError('cancelled', 'Cancelled.');
    this.#thread ??= start(this.#script ?? scriptBeside('prompt-thread.cjs'), this.#limits);
    const started = this.#thread;
    const thread = await unlessAborted(started, signal).catch((error: unknown) => {
      // A thread that is still starting is the next rendering's.
      if (this.#thread === started && !signal?.aborted) this.#thread = null;
      throw error;
    });
    const request: ThreadRequest = {
      ...(thread.prompt === prompt ? {} : { prompt }),
      ...{ values, truncates: truncate !== null },
    };
    thread.prompt = prompt;
    try {
      const answer = await this.#ask(thread, request, { what, truncate, signal });
      if ('filled' in answer) return answer.filled;
      // The thread has no template after a fault of the text itself.
      thread.prompt = null;
      if ('failed' in answer) throw new LuthierError('internal', `${what}: ${answer.failed}`);
      throw promptFault(what, answer.fault);
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      if (this.#thread === started) this.#thread = null;
      end(thread);
      throw error.reason;
    }
  }

  #ask(thread: Thread, request: ThreadRequest, { what, truncate, signal }: RenderOptions): Promise<ThreadAnswer> {
    const { worker, port } = thread;
    const { milliseconds, megabytes } = this.#limits;
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        port.off('message', onTruncate);
        signal?.removeEventListener('abort', onAbort);
        worker.unref();
        settle();
      };
      const stop = (reason: LuthierError) => finish(() => reject(new Ended(reason)));
      const onMessage = (answer: ThreadAnswer) => finish(() => resolve(answer));
      const onError = (error: Error & { code?: string }) =>
        stop(
          error.code === 'ERR_WORKER_OUT_OF_MEMORY'
            ? tooMuch(what, `more than ${megabytes} MB`)
            : new LuthierError('internal', `${what}: ${error.message}`),
        );
      const onExit = () => stop(tooMuch(what, `more than ${megabytes} MB`));
      const onAbort = () => stop(new LuthierError('cancelled', 'Cancelled.'));
      const onTruncate = ({ text, tokens }: TruncateRequest) => {
        try {
          port.postMessage(truncate?.(text, tokens) ?? text);
          wake(thread);
        } catch (error) {
          stop(
            error instanceof LuthierError
              ? error
              : new LuthierError('internal', `${what}: ${(error as Error).message}`),
          );
        }
      };
      // An answer that is there already, but was not heard because this thread was busy, is still taken.
      const timer = setTimeout(
        () => setImmediate(() => setImmediate(() => stop(tooMuch(what, `more than ${milliseconds / 1000} s`)))),
        milliseconds,
      );
      worker.ref();
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      port.on('message', onTruncate);
      signal?.addEventListener('abort', onAbort);
      worker.postMessage(request);
    });
  }
}

/** The thread was ended. */
class Ended extends Error {
  readonly reason: LuthierError;

  constructor(reason: LuthierError) {
    super(reason.message);
    this.reason = reason;
  }
}

/** A fault of a template as an error: file, row and line, and what to do. */
export const promptFault = (what: string, fault: Fault): LuthierError =>
  new LuthierError(
    'prompt-invalid',
    `${what}${fault.line === null ? '' : `, line ${fault.line}`}: ${fault.message}`,
    'Correct the template, or the values that fill it.',
    { cause: new At(fault.range, fault.file ?? null) },
  );

/** Where in the template the fault is that an error tells of. */
export const faultRange = ({ cause }: LuthierError): TextRange | null => (cause instanceof At ? cause.range : null);

/** The file that the template takes in, where the fault is in one. */
export const faultFile = ({ cause }: LuthierError): string | null => (cause instanceof At ? cause.file : null);

class At {
  constructor(
    readonly range: TextRange | null,
    readonly file: string | null,
  ) {}
}

const tooMuch = (what: string, how: string): LuthierError =>
  new LuthierError(
    'prompt-invalid',
    `${what}: the template takes ${how}, so it was ended.`,
    'Look for a loop that goes on too long, or that joins a list to itself.',
  );

const signals = new WeakMap<Thread, Int32Array>();

function wake(thread: Thread): void {
  const signal = signals.get(thread);
  if (!signal) return;
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
}

/** The promise's result, or `cancelled` at once when the signal says so. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new LuthierError('cancelled', 'Cancelled.'));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** @throws LuthierError `internal` where it ends before it is ready, or is not ready in time */
function start(
  script: string,
  { megabytes, startMilliseconds }: { megabytes: number; startMilliseconds: number },
): Promise<Thread> {
  const worker = new Worker(script, {
    resourceLimits: { maxOldGenerationSizeMb: megabytes, maxYoungGenerationSizeMb: 16, stackSizeMb: 2 },
    // Nothing of this process's surroundings is a template's business.
    env: {},
    execArgv: [],
  });
  const { port1, port2 } = new MessageChannel();
  const buffer = new SharedArrayBuffer(4);
  const thread: Thread = { worker, port: port1, prompt: null };
  signals.set(thread, new Int32Array(buffer));
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(timer);
      worker.off('message', onReady).off('error', onError).off('exit', onExit);
      worker.on('error', () => undefined);
      end(thread);
      const what = `The thread that renders templates ${why}.`;
      reject(new LuthierError('internal', what, 'Run it again; on a machine that is very busy, once that is over.'));
    };
    const onError = (error: Error) => fail(`did not start: ${error.message}`);
    const onExit = () => fail('ended before it was ready');
    const timer = setTimeout(
      () => fail(`was not ready after ${counted(Math.ceil(startMilliseconds / 1000), 'second')}`),
      startMilliseconds,
    );
    const onReady = () => {
      clearTimeout(timer);
      worker.off('error', onError).off('exit', onExit);
      // An error between two renderings is heard with the next one, as its end.
      worker.on('error', () => undefined);
      port1.unref();
      worker.unref();
      resolve(thread);
    };
    worker.once('message', onReady).once('error', onError).once('exit', onExit);
    worker.postMessage({ port: port2, signal: buffer }, [port2]);
  });
}

function end({ worker, port }: Thread): void {
  port.close();
  void worker.terminate();
}
