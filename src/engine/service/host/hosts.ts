import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { scriptBeside } from '../../beside-bundle.ts';
import { freeMemory, wholeMemory } from '../../free-memory.ts';
import type { Tell } from '../stdio.ts';
import { HostProcess } from './process.ts';
import type { HostNotifications, HostRequests } from './wire.ts';

/** Share of the machine's memory that hosts leave free: the last idle ones go before it is taken. */
const FREE_SHARE = 0.1;
/**
 * What a model's process takes beside its weights. Measured on 64 texts of 45 tokens: 264 MB in all for MiniLM's shape
 * (weights 59 MB), 666 MB for BERT-base (375 MB).
 */
const BASE_BYTES = 300e6;

export interface HostsOptions {
  tell: Tell<Omit<HostNotifications, 'alive'>>;
  /** Milliseconds after its last answer for which a model stays loaded. */
  idleMs: () => number;
  /** host.cjs; default: the one beside this bundle. */
  script?: string;
  /** Bytes that are free, and those of them that must stay so; tests have machines of their own. */
  memory?: () => { free: number; reserve: number };
}

interface Host {
  process: HostProcess;
  /** The model's files as they were when it was started. */
  stamp: string;
  users: number;
  idle: NodeJS.Timeout | undefined;
}

/**
 * The models that answer, and the estimates of runs, each in a process of its own: what one computes keeps no other waiting, and one that dies
 * takes no other with it. A model is loaded when it is first asked, and let go when it has been idle for a while, when
 * its files have changed, and, the longest idle first, when memory runs short.
 */
export class Hosts {
  /** In the order of their use, the last one used at the end. */
  #hosts: Host[] = [];
  readonly #options: HostsOptions & Required<Pick<HostsOptions, 'memory'>>;

  constructor(options: HostsOptions) {
    this.#options = { memory: () => ({ free: freeMemory(), reserve: FREE_SHARE * wholeMemory() }), ...options };
  }

  /**
   * Asks a model.
   * @param name a model's folder or name, or a run's
   * @throws LuthierError as findModel, as the model's process threw it, or with the reason why that ended
   */
  async ask<M extends keyof HostRequests & string>(
    name: string,
    method: M,
    params: HostRequests[M]['params'] & { progress_token?: string },
    signal: AbortSignal,
  ): Promise<HostRequests[M]['result']> {
    const { findModel } = await import('../../runs/target.ts');
    const { path, run } = await findModel(name, process.cwd());
    const { stamp, bytes } = await lookAt(path);
    const known = this.#known(path, stamp);
    if (!known && params.progress_token !== undefined) {
      const message = `Loading ${basename(run ?? path)}`;
      this.#options.tell('progress', { token: params.progress_token, message, done: 0, total: null });
    }
    const host = known ?? this.#start(path, basename(run ?? path), stamp, bytes);
    return await this.#request(host, method, params, signal);
  }

  /**
   * Asks a process without a model, for what takes seconds and answers nothing itself: what a run would take (texts are
   * cut and the machine is measured), which learning rates it could have, a model made of a checkpoint, a dataset of a
   * person's files, what its completions are worth.
   */
  aside<M extends 'recipe/rates' | 'run/estimate' | 'run/checkpoint' | 'run/completions' | 'files/collect'>(
    method: M,
    params: HostRequests[M]['params'],
    signal: AbortSignal,
  ): Promise<HostRequests[M]['result']> {
    const host = this.#known('', '') ?? this.#start('', 'estimates', '', 0);
    return this.#request(host, method, params, signal);
  }

  #known(path: string, stamp: string): Host | undefined {
    return this.#hosts.find((host) => host.process.path === path && host.stamp === stamp);
  }

  async #request<M extends keyof HostRequests & string>(
    host: Host,
    method: M,
    params: HostRequests[M]['params'],
    signal: AbortSignal,
  ): Promise<HostRequests[M]['result']> {
    clearTimeout(host.idle);
    host.users++;
    this.#hosts = [...this.#hosts.filter((other) => other !== host), host];
    try {
      return await host.process.request(method, params, signal);
    } finally {
      host.users--;
      this.#rest(host);
    }
  }

  /** Ends them all. */
  dispose(): void {
    for (const host of [...this.#hosts]) this.#end(host);
  }

  #start(path: string, name: string, stamp: string, bytes: number): Host {
    for (const host of this.#idle()) if (host.process.path === path) this.#end(host, 'its files have changed');
    const needed = BASE_BYTES + bytes;
    this.#makeRoom(needed);
    const { tell, script = scriptBeside('host.cjs') } = this.#options;
    const host: Host = {
      process: new HostProcess({ script, path, name, bytes: needed, tell }),
      ...{ stamp, users: 0, idle: undefined },
    };
    tell('log', { level: 'info', message: `Process ${host.process.pid} answers for ${name}` });
    void host.process.ended.then(({ message }) => {
      if (!this.#forget(host)) return;
      tell('log', { level: 'error', message });
    });
    this.#hosts.push(host);
    return host;
  }

  /** A host has answered: it stays for the next question, if nothing speaks against it. */
  #rest(host: Host): void {
    if (host.users > 0 || !this.#hosts.includes(host)) return;
    const { path } = host.process;
    const newest = this.#hosts.findLast((other) => other.process.path === path);
    if (newest !== host) {
      this.#end(host, 'its files have changed');
      return;
    }
    host.idle = setTimeout(() => this.#end(host, 'idle'), this.#options.idleMs());
    host.idle.unref();
    // It may have grown with what it was asked.
    this.#makeRoom(0, host);
  }

  #idle(): Host[] {
    return this.#hosts.filter(({ users }) => users === 0);
  }

  /** Lets models go, the longest idle first, until `bytes` more can be taken. One that works is never ended for it. */
  #makeRoom(bytes: number, except?: Host): void {
    const { free, reserve } = this.#options.memory();
    let left = free - bytes;
    for (const host of this.#idle()) {
      if (left >= reserve) return;
      if (host === except) continue;
      left += host.process.rssBytes;
      this.#end(host, 'memory runs short');
    }
  }

  #end(host: Host, why?: string): void {
    if (!this.#forget(host)) return;
    host.process.kill();
    if (why !== undefined)
      this.#options.tell('log', { level: 'info', message: `${host.process.name} was let go: ${why}` });
  }

  /** @returns whether it was known */
  #forget(host: Host): boolean {
    clearTimeout(host.idle);
    const known = this.#hosts.includes(host);
    this.#hosts = this.#hosts.filter((other) => other !== host);
    return known;
  }
}

/** Names of files that a model is made of. */
const MODEL_FILE = /\.(safetensors|json|txt|model)$/;

/** What tells a model from the same one after a change, and how large its weights are. */
async function lookAt(folder: string): Promise<{ stamp: string; bytes: number }> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => MODEL_FILE.test(name)).sort();
  const stats = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => null)));
  const stamp = names.map((name, i) => `${name} ${stats[i]?.size} ${stats[i]?.mtimeMs}`).join('\n');
  const bytes = names.reduce((sum, name, i) => sum + (name.endsWith('.safetensors') ? (stats[i]?.size ?? 0) : 0), 0);
  return { stamp, bytes };
}
