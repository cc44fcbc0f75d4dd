import type { Readable, Writable } from 'node:stream';
import {
  type CancellationToken,
  CancellationTokenSource,
  createMessageConnection,
  type MessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { type ErrorData, LuthierError, parseErrorData, toErrorData } from '../protocol/index.ts';
import { afterTurns } from './turns.ts';

/** A wire's requests or notifications, as the protocol's interfaces list them. */
export type RequestTable<R> = { [K in keyof R]: { params: unknown; result: unknown } };

export type Handlers<R extends RequestTable<R>> = {
  [K in keyof R]: (params: R[K]['params'], cancellation: AbortSignal) => R[K]['result'] | Promise<R[K]['result']>;
};

/** JSON-RPC's range for errors of the application; the code that matters is in `data`. */
const APPLICATION_ERROR = -32000;

export interface PeerOptions {
  /** Why nothing comes any more, for all who still wait. A process's exit code arrives a moment after its streams end. */
  gone?: () => Error | Promise<Error>;
  /** The error of a request that met silence; the peer's owner may close it here. */
  silent?: (method: string) => Error;
  /** Hears what is wrong with the connection itself. */
  log?: Record<'error' | 'warn' | 'info' | 'debug', (message: string) => void>;
}

export interface RequestOptions {
  /** Tells the far end that nobody waits for the answer any more; the request ends when that end says so. */
  signal?: AbortSignal | undefined;
  /** Longest silence in milliseconds, any notification being a sign of life; default: as long as the connection lives. */
  silenceMs?: number | undefined;
}

/**
 * One end of a JSON-RPC connection, in engine and editor alike. `Theirs` are the requests that the far end answers,
 * `Said` what this end tells without an answer, `Heard` what it is told. Every request ends: with its answer, with the
 * far end's error, or rejected when the connection closes or, where a limit is given, stays silent.
 */
export class Peer<Theirs extends RequestTable<Theirs>, Said, Heard> {
  readonly #connection: MessageConnection;
  readonly #options: PeerOptions;
  #closed = false;
  /** Set when nothing more will come or go; what came may not be handled yet. */
  #gone: Promise<Error> | undefined;
  #handled = 0;
  readonly #onClose: ((why: Error) => void)[] = [];
  /** Each request's clock, to be started again. */
  readonly #clocks = new Set<() => void>();

  constructor(input: Readable, output: Writable, options: PeerOptions = {}) {
    this.#options = options;
    const { log } = options;
    this.#connection = createMessageConnection(
      new StreamMessageReader(input),
      new StreamMessageWriter(output),
      log && {
        error: (message) => log.error(message),
        warn: (message) => log.warn(message),
        info: (message) => log.info(message),
        log: (message) => log.debug(message),
      },
      {
        messageStrategy: {
          handleMessage: (message, next) => {
            this.#handled++;
            return next(message);
          },
        },
      },
    );
    this.#connection.onClose(() => void this.#closeWhenRead());
    // A broken pipe closes the connection a moment later; there is nobody to tell.
    this.#connection.onError(([error]) => {
      log?.error(error.message);
      this.close();
    });
  }

  /** Answers the far end's requests; call before `listen`. What is thrown crosses as ErrorData. */
  answer<Ours extends RequestTable<Ours>>(handlers: Handlers<Ours>): void {
    for (const method of Object.keys(handlers) as (keyof Ours & string)[]) {
      this.#connection.onRequest(method, async (params: unknown, token: CancellationToken): Promise<unknown> => {
        const abort = new AbortController();
        const listener = token.onCancellationRequested(() => abort.abort());
        // One that was cancelled while it lay unread has a token that says nothing any more.
        if (token.isCancellationRequested) abort.abort();
        try {
          if (typeof params !== 'object' || params === null) {
            throw new LuthierError('usage', `The parameters of ${method} must be an object.`);
          }
          return await handlers[method](params as Ours[typeof method]['params'], abort.signal);
        } catch (error) {
          const data = abort.signal.aborted && !(error instanceof LuthierError) ? CANCELLED : toErrorData(error);
          return new ResponseError(APPLICATION_ERROR, data.message, data);
        } finally {
          listener.dispose();
        }
      });
    }
  }

  hear<K extends keyof Heard & string>(method: K, handler: (params: Heard[K]) => void): void {
    this.#connection.onNotification(method, (params: Heard[K]) => {
      for (const restart of this.#clocks) restart();
      handler(params);
    });
  }

  listen(): void {
    this.#connection.listen();
  }

  /** @throws LuthierError as the far end threw it, or what `gone` or `silent` say */
  async request<K extends keyof Theirs & string>(
    method: K,
    params: Theirs[K]['params'],
    { signal, silenceMs }: RequestOptions = {},
  ): Promise<Theirs[K]['result']> {
    if (this.#gone) throw await this.#gone;
    const cancellation = new CancellationTokenSource();
    const cancel = () => cancellation.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    let timer: NodeJS.Timeout | undefined;
    let restart = () => {};
    const silence = new Promise<never>((_, reject) => {
      restart = () => {
        clearTimeout(timer);
        if (silenceMs === undefined) return;
        timer = setTimeout(() => {
          cancel();
          reject((this.#options.silent ?? noAnswer)(method));
        }, silenceMs);
      };
    });
    restart();
    this.#clocks.add(restart);
    try {
      const answer = this.#connection.sendRequest<Theirs[K]['result']>(method, params, cancellation.token);
      // Only now is there something to cancel: a source that was cancelled before has a token of which nobody hears.
      if (signal?.aborted) cancel();
      return await Promise.race([answer, silence]);
    } catch (error) {
      const data = error instanceof ResponseError ? parseErrorData(error.data) : null;
      if (data !== null) throw new LuthierError(data.code, data.message, data.hint);
      if (this.#gone) throw await this.#gone;
      throw error;
    } finally {
      clearTimeout(timer);
      this.#clocks.delete(restart);
      signal?.removeEventListener('abort', cancel);
      cancellation.dispose();
    }
  }

  /** Says something without waiting; a closed connection swallows it, since nobody is left to read. */
  tell<K extends keyof Said & string>(method: K, params: Said[K]): void {
    void this.#send(method, params);
  }

  /** The connection refuses what is sent after its end at once, and fails later what it could not write. */
  async #send(method: string, params?: unknown): Promise<void> {
    if (this.#gone) return;
    try {
      await this.#connection.sendNotification(method, params);
    } catch {
      this.close();
    }
  }

  /** Resolves when all that was said and answered so far is written. Messages leave one by one, in order. */
  async flush(): Promise<void> {
    // An answer is queued a few turns after its handler is done.
    await afterTurns();
    await this.#send('$/flushed');
  }

  /** Told once, when the connection is closed and what came before is handled. */
  onClose(listener: (why: Error) => void): void {
    if (this.#closed) void this.#gone?.then(listener);
    else this.#onClose.push(listener);
  }

  /** The far end's last words may still be in the queue when its stream ends: one is handled each turn. */
  async #closeWhenRead(): Promise<void> {
    void this.#end();
    for (let handled = -1; handled !== this.#handled; ) {
      handled = this.#handled;
      await afterTurns();
    }
    this.close();
  }

  #end(why?: Error): Promise<Error> {
    this.#gone ??= Promise.resolve(why ?? (this.#options.gone ?? farEndGone)());
    return this.#gone;
  }

  /** Rejects all that is pending, and everything asked later, with `why`; default: what `gone` says. */
  close(why?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    // The owner learns of it before those who wait: what they ask next must not come here again.
    void this.#end(why).then((reason) => {
      for (const listener of this.#onClose.splice(0)) listener(reason);
    });
    this.#connection.dispose();
  }
}

const CANCELLED: ErrorData = { code: 'cancelled', message: 'Cancelled.' };

const farEndGone = () => new LuthierError('interrupted', 'The process at the other end has ended.');
const noAnswer = (method: string) => new LuthierError('interrupted', `No answer to ${method}.`);
