import { HostError } from '../errors.ts';
import { Emitter } from '../events.ts';
import { runJustStarting } from './errors.ts';
import { isOver, type Run } from './run.ts';
import type { RunStarter } from './starter.ts';
import type { RunStore } from './store.ts';

/**
 * What a person does to a run, one function each. A request that fails because the run ended meanwhile (two windows
 * pressed Stop) is no failure: what was wanted has come about.
 */
export class RunActions {
  /** A run that a person has said to end, and how. */
  readonly ending = new Emitter<{ run: Run; action: 'stop' | 'cancel' }>();
  private readonly store: RunStore;
  private readonly starter: RunStarter;

  constructor(store: RunStore, starter: RunStarter) {
    this.store = store;
    this.starter = starter;
  }

  async pause(run: Run): Promise<void> {
    if (run.state === 'paused') return;
    await this.ask(run, 'pause');
  }

  /** Goes on: a paused run through its process, an interrupted, failed or queued one by (waiting in line for) a new one. */
  async resume(run: Run): Promise<Run | null> {
    if (run.state === 'paused') {
      await this.ask(run, 'resume');
      return null;
    }
    return await this.starter.enqueue(run);
  }

  /** Ends the run and keeps the best weights. */
  async stop(run: Run): Promise<void> {
    this.ending.fire({ run, action: 'stop' });
    if (run.state === 'queued') await this.starter.withdraw(run);
    else await this.ask(run, 'stop');
  }

  /** Ends the run and keeps nothing but its record. A process that no longer answers is killed. */
  async cancel(run: Run): Promise<void> {
    this.ending.fire({ run, action: 'cancel' });
    if (run.state === 'queued') return await this.starter.withdraw(run);
    const connection = this.store.connection(run);
    if (run.silent && connection) {
      // This pid is the run's own: it came with the handshake of a connection that still stands.
      process.kill(connection.pid, 'SIGKILL');
      return;
    }
    await this.ask(run, 'cancel');
  }

  private async ask(run: Run, method: 'pause' | 'resume' | 'stop' | 'cancel'): Promise<void> {
    const connection = this.store.connection(run);
    try {
      if (!connection) {
        if (run.state === 'starting') throw runJustStarting(run, 'run-unreachable');
        const what = method === 'cancel' ? 'discard' : method;
        throw new HostError('run-unreachable', `${run.record.name} has no running process to ${what}.`);
      }
      await connection.request(method, {});
    } catch (error) {
      const now = await this.store.refreshRun(run.folder);
      const wantedEnd = method === 'stop' || method === 'cancel';
      if (wantedEnd && (!now || isOver(now) || now.state === 'stopping')) return;
      throw error;
    }
    await this.store.refreshRun(run.folder);
  }
}
