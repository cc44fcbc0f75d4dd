import { type ChildProcess, spawn } from 'node:child_process';
import { exitReason } from '../../../files/exit.ts';
import { Peer } from '../../../files/rpc.ts';
import { engineEnvironment, LuthierError } from '../../../protocol/index.ts';
import type { Tell } from '../stdio.ts';
import type { HostNotifications, HostRequests } from './wire.ts';

/** A process that says nothing for this long, while it has something to do, hangs: a batch takes seconds. */
const SILENCE_MS = 5 * 60_000;

export interface HostOptions {
  /** host.cjs. */
  script: string;
  /** The model's folder. */
  path: string;
  /** What the model is called in errors and in the log. */
  name: string;
  /** Memory that it will need, roughly. */
  bytes: number;
  tell: Tell<Omit<HostNotifications, 'alive'>>;
}

/** The process of one model, seen from the service. */
export class HostProcess {
  readonly path: string;
  readonly name: string;
  /** Resolves when the process is gone, with what to say to whoever still waits. */
  readonly ended: Promise<LuthierError>;
  /** Memory that it holds, as it last said. */
  rssBytes: number;
  readonly #child: ChildProcess;
  readonly #peer: Peer<HostRequests, Record<string, never>, HostNotifications>;
  #stderr = '';
  #isSilent = false;

  constructor({ script, path, name, bytes, tell }: HostOptions) {
    this.path = path;
    this.name = name;
    this.rssBytes = bytes;
    const child = spawn(process.execPath, [script, path], {
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
      env: engineEnvironment(process.env, process.platform, electronEnvironment),
    });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
      process.stderr.write(text);
    });
    // What can no longer be written to it is answered by its end.
    child.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(this.#ending(error.message)));
      child.once('exit', (code, signal) => resolve(this.#ending(exitReason(code, signal, this.#stderr), signal)));
    });
    this.#peer = new Peer(child.stdout, child.stdin, {
      gone: () => {
        // One that can no longer be heard is of no use; whoever ends by himself has a moment for it.
        setTimeout(() => this.kill(), 1000).unref();
        return this.ended;
      },
      silent: () => {
        this.#isSilent = true;
        this.kill();
        return this.#ending('');
      },
    });
    for (const method of ['answer/part', 'progress', 'log'] as const) {
      this.#peer.hear(method, (params) => tell(method, params));
    }
    this.#peer.hear('alive', ({ rss_bytes }) => {
      this.rssBytes = rss_bytes;
    });
    this.#peer.listen();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** @throws LuthierError as the model's process threw it, or with the reason when that ended instead */
  request<M extends keyof HostRequests & string>(
    method: M,
    params: HostRequests[M]['params'],
    signal: AbortSignal,
  ): Promise<HostRequests[M]['result']> {
    return this.#peer.request(method, params, { signal, silenceMs: SILENCE_MS });
  }

  /** It has written nothing that is not whole: it may be ended at any time. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #ending(reason: string, signal: NodeJS.Signals | null = null): LuthierError {
    const again = 'The next request loads it again.';
    if (this.#isSilent) {
      const minutes = SILENCE_MS / 60_000;
      return new LuthierError(
        'interrupted',
        `${this.name} did not answer for ${minutes} minutes and was stopped.`,
        again,
      );
    }
    const who = `The process that answers for ${this.name}`;
    if (OUT_OF_MEMORY.test(this.#stderr)) {
      return new LuthierError(
        'not-enough-memory',
        `${who} ran out of memory (${reason}).`,
        `Close other programs. ${again}`,
      );
    }
    // Whoever is killed cannot say why.
    const hint = signal === 'SIGKILL' ? `The system does this when memory runs out. ${again}` : again;
    return new LuthierError('interrupted', `${who} stopped (${reason}).`, hint);
  }
}

/** As V8, C++ and onnxruntime say it. */
const OUT_OF_MEMORY = /out of memory|bad_alloc|failed to allocate|cannot allocate/i;

/** VS Code's own program is a Node only if it is told so. */
const electronEnvironment = process.versions.electron === undefined ? {} : { ELECTRON_RUN_AS_NODE: '1' };
