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
type RequestTable<R> = { [K in keyof R]: { params: unknown; result: unknown } };

export type Handlers<R extends RequestTable<R>> = {
  [K in keyof R]: (params: R[K]['params'], cancellation: AbortSignal) => R[K]['result'] | Promise<R[K]['result']>;
};

/** JSON-RPC's range for errors of the application; the code that matters is in `data`. */
const APPLICATION_ERROR = -32000;

/**
 * One end of a JSON-RPC connection. `Theirs` are the requests that the far end answers, `Said` what this end tells
 * without an answer, `Heard` what it is told. Every request ends: when the connection closes, those pending are rejected.
 */
export class Peer<Theirs extends RequestTable<Theirs>, Said, Heard> {
  readonly #connection: MessageConnection;
  #closed = false;
  /** Nothing more will come or go, but what came is not all handled yet. */
  #ended = false;
  #handled = 0;
  readonly #onClose: (() => void)[] = [];

  constructor(input: Readable, output: Writable) {
    this.#connection = createMessageConnection(
      new StreamMessageReader(input),
      new StreamMessageWriter(output),
      undefined,
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
    this.#connection.onError(() => this.close());
  }

  /** Answers the far end's requests; call before `listen`. What is thrown crosses as ErrorData. */
  answer<Ours extends RequestTable<Ours>>(handlers: Handlers<Ours>): void {
    for (const method of Object.keys(handlers) as (keyof Ours & string)[]) {
      this.#connection.onRequest(method, async (params: unknown, token: CancellationToken): Promise<unknown> => {
        const abort = new AbortController();
        const listener = token.onCancellationRequested(() => abort.abort());
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
    this.#connection.onNotification(method, handler);
  }

  listen(): void {
    this.#connection.listen();
  }

  /**
   * @param signal tells the far end that nobody waits for the answer any more; the request ends when that end says so
   * @throws LuthierError as the far end threw it, or `interrupted` when the connection is closed
   */
  async request<K extends keyof Theirs & string>(
    method: K,
    params: Theirs[K]['params'],
    signal?: AbortSignal,
  ): Promise<Theirs[K]['result']> {
    if (this.#ended) throw gone();
    const cancellation = new CancellationTokenSource();
    const cancel = () => cancellation.cancel();
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await this.#connection.sendRequest<Theirs[K]['result']>(method, params, cancellation.token);
    } catch (error) {
      const data = error instanceof ResponseError ? parseErrorData(error.data) : null;
      if (data !== null) throw new LuthierError(data.code, data.message, data.hint);
      if (this.#ended) throw gone();
      throw error;
    } finally {
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
    if (this.#ended) return;
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

  /** Whether the far end has gone, or this one. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  onClose(listener: () => void): void {
    if (this.#closed) listener();
    else this.#onClose.push(listener);
  }

  /** The far end's last words may still be in the queue when its stream ends: one is handled each turn. */
  async #closeWhenRead(): Promise<void> {
    this.#ended = true;
    for (let handled = -1; handled !== this.#handled; ) {
      handled = this.#handled;
      await afterTurns();
    }
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended = true;
    this.#connection.dispose();
    for (const listener of this.#onClose.splice(0)) listener();
  }
}

const CANCELLED: ErrorData = { code: 'cancelled', message: 'Cancelled.' };

const gone = () => new LuthierError('interrupted', 'The process at the other end has ended.');
