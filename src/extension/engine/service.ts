import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import type { Peer } from '../../files/rpc.ts';
import type { AnswerPart, ServiceNotifications, ServiceRequests } from '../../protocol/index.ts';
import { abortable } from '../abortable.ts';
import { HostError } from '../errors.ts';
import type { Log } from '../log.ts';
import { RestartBudget } from './restarts.ts';

/** A started engine service: its two streams and its life. */
export interface ServiceProcess {
  /** What it says. */
  output: Readable;
  input: Writable;
  /** Which program it is, for the log. */
  description: string;
  /** Calls back once, when the process is gone, with the reason in words (`exit code 1`, `signal SIGKILL`). */
  onExit(listener: (reason: string) => void): void;
  kill(): void;
}

export interface ServiceOptions {
  launch(): Promise<ServiceProcess>;
  initialize(): Promise<ServiceRequests['initialize']['params']>;
  log: Log;
  /** Milliseconds without a request after which the service is ended. Asked each time: it is a setting. */
  idleMs(): number;
  budget?: RestartBudget;
  /** Longest silence for each method, in milliseconds; tests shorten them. */
  limits?: Partial<Record<keyof ServiceRequests, number>>;
}

export type Progress = Pick<ServiceNotifications['progress'], 'message' | 'done' | 'total'>;

export interface ServiceRequestOptions {
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Hears parts of an answer while it is made. */
  onPart?: (part: AnswerPart) => void;
  /** Whoever cancels waits for what the engine makes of it, where that is more than an end. */
  waits?: boolean;
}

/**
 * Longest silence: an answer or progress must come within it, else the service counts as hung and is ended. The service
 * itself ends a model that hangs, after five minutes: what a model answers has longer.
 */
const LIMITS_MS: Record<keyof ServiceRequests, number> = {
  initialize: 20_000,
  'data/inspect': 90_000,
  'data/create': 180_000,
  'data/append': 60_000,
  'data/undo-append': 60_000,
  'data/rows': 60_000,
  'data/preview': 60_000,
  'data/locate': 60_000,
  'files/survey': 120_000,
  'files/collect': 600_000,
  'files/recipe': 60_000,
  'recipe/resolve': 30_000,
  'recipe/check': 60_000,
  'recipe/reads': 30_000,
  'recipe/rates': 600_000,
  'run/create': 60_000,
  'run/rows': 30_000,
  'run/estimate': 180_000,
  'run/checkpoint': 600_000,
  'run/completions': 600_000,
  'run/cell': 600_000,
  'run/compare': 600_000,
  'prompt/render': 120_000,
  'prompt/check': 120_000,
  'prompt/rows': 60_000,
  'prompt/run': 600_000,
  'prompt/code': 60_000,
  predict: 600_000,
  generate: 600_000,
  'predict/file': 600_000,
  'completion/complete': 600_000,
  'completion/prepare': 600_000,
  evaluate: 600_000,
  export: 600_000,
  'models/list': 60_000,
  'models/describe': 60_000,
  'strategies/suggest': 30_000,
  'models/download': 300_000,
  // A step of a large model, or its evaluation, says nothing meanwhile.
  'comparison/run': 1_800_000,
  'comparison/interrupt': 30_000,
  backends: 180_000,
  shutdown: 5_000,
};

/** How long after the end of its output a process may take to say how it ended. */
const EXIT_MS = 100;

interface Live {
  peer: Peer<ServiceRequests, Record<string, never>, ServiceNotifications>;
  process: ServiceProcess;
}

/**
 * The one engine service of this window: started by the first request, ended when idle, started again when it
 * died (at most 4 times in 3 minutes, then it stays down and says so until `restart`). Requests never hang:
 * all that is pending when the service dies is rejected with one and the same HostError, so that it is shown once.
 */
export class EngineService {
  private readonly options: ServiceOptions;
  private readonly budget: RestartBudget;
  /** Who hears of a request that takes long, by its token. */
  private readonly listeners = new Map<string, Pick<ServiceRequestOptions, 'onProgress' | 'onPart'>>();
  private live: Promise<Live> | null = null;
  private current: Live | null = null;
  private diedBefore = false;
  private lastDeath = '';
  private busy = 0;
  private idle: NodeJS.Timeout | undefined;
  private disposed = false;

  constructor(options: ServiceOptions) {
    this.options = options;
    this.budget = options.budget ?? new RestartBudget();
  }

  get isRunning(): boolean {
    return this.live !== null;
  }

  /** Sends one request, starting the service first where needed. Rejects with HostError, ResponseError or Cancelled. */
  async request<M extends keyof ServiceRequests>(
    method: M,
    params: ServiceRequests[M]['params'],
    options: ServiceRequestOptions = {},
  ): Promise<ServiceRequests[M]['result']> {
    clearTimeout(this.idle);
    this.busy++;
    const token = options.onProgress || options.onPart ? randomUUID() : undefined;
    try {
      if (token) this.listeners.set(token, options);
      const { peer } = await this.ensure();
      const sent = token ? { ...params, progress_token: token } : params;
      const { signal, waits } = options;
      const ask = () => peer.request(method, sent, { silenceMs: this.limit(method), signal });
      return await (waits ? ask() : abortable(ask, signal));
    } finally {
      if (token) this.listeners.delete(token);
      this.busy--;
      if (this.busy === 0) this.scheduleIdle();
    }
  }

  /** Ends the service and forgets its failures; the next request starts a new one (after a changed setting, or by a person). */
  async restart(): Promise<void> {
    this.budget.reset();
    this.diedBefore = false;
    await this.end();
  }

  dispose(): void {
    this.disposed = true;
    void this.end();
  }

  private limit(method: keyof ServiceRequests): number {
    return this.options.limits?.[method] ?? LIMITS_MS[method];
  }

  private ensure(): Promise<Live> {
    if (this.disposed) return Promise.reject(new HostError('cancelled', 'The window is closing.'));
    if (this.live) return this.live;
    if (this.diedBefore && !this.budget.take()) {
      return Promise.reject(
        new HostError(
          'engine-gave-up',
          `The engine keeps stopping (last: ${this.lastDeath}) and is no longer started.`,
          'The log has the details; Restart Engine tries again.',
          ['showLog', 'restartEngine'],
        ),
      );
    }
    const starting = this.start();
    this.live = starting;
    starting.catch(() => {
      if (this.live === starting) this.live = null;
    });
    return starting;
  }

  private async start(): Promise<Live> {
    const { log } = this.options;
    // Loaded with the first request: activation does not pay for it.
    const [{ Peer }, process] = await Promise.all([import('../../files/rpc.ts'), this.options.launch()]);
    log.info(`Engine service started: ${process.description}`);
    const exit = new Promise<string>((resolve) => process.onExit(resolve));
    const stopped = (how: string) =>
      new HostError(
        'engine-stopped',
        `The engine stopped (${how}).`,
        'It restarts with the next request; nothing on disk was lost.',
        ['showLog'],
      );
    const peer: Live['peer'] = new Peer(process.output, process.input, {
      log,
      gone: async () => {
        const unsaid = new Promise<string>((resolve) => setTimeout(resolve, EXIT_MS, 'it closed its output'));
        return stopped(await Promise.race([exit, unsaid]));
      },
      silent: (method) => {
        const error = new HostError(
          'engine-silent',
          `The engine did not answer (${method}) and was stopped.`,
          'It restarts with the next request.',
          ['showLog'],
        );
        peer.close(error);
        return error;
      },
    });
    const live: Live = { peer, process };
    peer.onClose((why) => this.onDeath(live, why as HostError));
    void exit.then((reason) => peer.close(stopped(reason)));
    peer.hear('progress', (progress) => this.listeners.get(progress.token)?.onProgress?.(progress));
    peer.hear('answer/part', ({ token, part }) => this.listeners.get(token)?.onPart?.(part));
    peer.hear('log', ({ level, message }) => {
      if (level === 'error') log.error(message);
      else if (level === 'warning') log.warn(message);
      else log.info(message);
    });
    peer.listen();
    this.current = live;
    try {
      const hello = await peer.request('initialize', await this.options.initialize(), {
        silenceMs: this.limit('initialize'),
      });
      if (typeof hello?.version !== 'string') throw new Error('its first message is not a greeting');
      log.info(`Engine ${hello.version} on Node ${hello.node}, process ${hello.pid}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
      const failure = new HostError(
        'engine-start',
        `The engine did not start: ${reason}.`,
        'The log has the details. Set luthier.node.path to use a different Node.js.',
        ['showLog', 'restartEngine'],
      );
      peer.close(failure);
      throw failure;
    }
    return live;
  }

  private onDeath(live: Live, error: HostError): void {
    if (this.current !== live) return;
    this.current = null;
    this.live = null;
    live.process.kill();
    if (error.code === 'cancelled') return;
    this.diedBefore = true;
    this.lastDeath = error.message.replace(/^The engine /, '').replace(/\.$/, '');
    this.options.log.error(error.message);
  }

  private scheduleIdle(): void {
    clearTimeout(this.idle);
    if (!this.live) return;
    this.idle = setTimeout(() => {
      this.options.log.info('Engine service stopped: idle');
      void this.end();
    }, this.options.idleMs());
    this.idle.unref();
  }

  /** Asks politely, then ends the process. */
  private async end(): Promise<void> {
    clearTimeout(this.idle);
    const live = this.current;
    this.live = null;
    this.current = null;
    if (!live) return;
    await live.peer.request('shutdown', {}, { silenceMs: this.limit('shutdown') }).catch(() => {});
    live.peer.close(new HostError('cancelled', 'The engine was stopped.'));
    live.process.kill();
  }
}
