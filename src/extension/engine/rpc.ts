import {
  CancellationTokenSource,
  createMessageConnection,
  type MessageConnection,
  type MessageReader,
  type MessageWriter,
  ParameterStructures,
} from 'vscode-jsonrpc/node';
import { Cancelled, type HostError } from '../errors.ts';
import type { Log } from '../log.ts';

/** Methods with their parameters and results, as protocol/service.ts and protocol/run.ts list them. */
export type RequestTable = Record<string, { params: object; result: unknown }>;

/** The table of an interface: interfaces lack the index signature that RequestTable asks for. */
export type Methods<T> = { [K in keyof T]: T[K] extends { params: object; result: unknown } ? T[K] : never };

export interface RequestOptions {
  /** Ends the wait, and tells the far end. */
  signal?: AbortSignal;
  /** Longest silence in milliseconds before `onSilent` decides; 0 waits for as long as the connection lives. */
  timeoutMs?: number;
}

interface Pending {
  reject(error: Error): void;
  touch(): void;
}

/**
 * One end of a JSON-RPC connection whose every request ends: with its answer, with the far end's error,
 * cancelled, or rejected when the connection closes or stays silent. The transport is passed in.
 */
export class RpcPeer<Requests, Notifications> {
  private readonly connection: MessageConnection;
  private readonly pending = new Set<Pending>();
  private closedWith: HostError | null = null;
  private ending: (() => HostError) | null = null;
  /** Makes the error for a request that met silence; the owner may close the peer in it. */
  onSilent: ((method: string) => HostError) | null = null;

  /** `closed` is called once, with the error that everything pending was rejected with. */
  constructor(
    reader: MessageReader,
    writer: MessageWriter,
    log: Log,
    whyClosed: () => HostError,
    closed: (error: HostError) => void = () => {},
  ) {
    this.connection = createMessageConnection(reader, writer, {
      error: (message) => log.error(message),
      warn: (message) => log.warn(message),
      info: (message) => log.info(message),
      log: (message) => log.debug(message),
    });
    // A process's exit code arrives a moment after its streams end; waiting for it gives the better reason.
    this.connection.onClose(() => {
      this.ending = whyClosed;
      setTimeout(() => this.close(whyClosed()), 100);
    });
    this.connection.onError(([error]) => {
      log.error(error);
      this.close(whyClosed());
    });
    this.closed = closed;
    this.connection.listen();
  }

  private readonly closed: (error: HostError) => void;

  get isClosed(): boolean {
    return this.closedWith !== null;
  }

  get pendingCount(): number {
    return this.pending.size;
  }

  onNotification<N extends keyof Notifications & string>(method: N, handler: (params: Notifications[N]) => void): void {
    this.connection.onNotification(method, handler);
  }

  /** The far end showed life for a request that takes long: its clock starts anew. */
  touch(): void {
    for (const request of this.pending) request.touch();
  }

  async request<M extends keyof Requests & string>(
    method: M,
    params: Methods<Requests>[M]['params'],
    options: RequestOptions = {},
  ): Promise<Methods<Requests>[M]['result']> {
    if (this.closedWith) throw this.closedWith;
    if (this.ending) throw this.ending();
    if (options.signal?.aborted) throw new Cancelled();
    const cancellation = new CancellationTokenSource();
    return await new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const start = () => {
        if (!options.timeoutMs) return;
        timer = setTimeout(() => {
          cancellation.cancel();
          settle(() => reject(this.onSilent?.(method) ?? new Error(`No answer to ${method}.`)));
        }, options.timeoutMs);
      };
      const pending: Pending = {
        reject: (error) => settle(() => reject(error)),
        touch: () => {
          clearTimeout(timer);
          start();
        },
      };
      const abort = () => {
        cancellation.cancel();
        settle(() => reject(new Cancelled()));
      };
      const settle = (end: () => void) => {
        if (!this.pending.delete(pending)) return;
        clearTimeout(timer);
        options.signal?.removeEventListener('abort', abort);
        end();
      };
      this.pending.add(pending);
      options.signal?.addEventListener('abort', abort);
      start();
      this.connection.sendRequest<unknown>(method, ParameterStructures.byName, params, cancellation.token).then(
        (result) => settle(() => resolve(result as Methods<Requests>[M]['result'])),
        (error: unknown) => settle(() => reject(this.closedWith ?? this.ending?.() ?? error)),
      );
    });
  }

  /** Rejects all that is pending with `error` and everything asked later. */
  close(error: HostError): void {
    if (this.closedWith) return;
    this.closedWith = error;
    for (const request of [...this.pending]) request.reject(error);
    this.connection.dispose();
    this.closed(error);
  }
}
