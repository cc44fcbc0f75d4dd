import { join } from 'node:path';
import type { Broken } from '../../files/broken.ts';
import { exitReason } from '../../files/exit.ts';
import { readTail } from '../../files/tail.ts';
import { runFolderProblem } from '../../guard/index.ts';
import { LuthierError, type RunDescription, type RunLaunch, WORKING_STATES } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { holderOf } from '../../runs/holder.ts';
import { changeQueue, lookAtQueue, moved, readQueue, waiting, whileStarting, withdraw } from '../../runs/queue.ts';
import { lookAtRecord, writeRecordInPlace } from '../../runs/record.ts';
import { printedIn } from '../../runs/run-log.ts';
import type { EndedRun, StartedRun } from '../engine/launch.ts';
import { HostError, toHostError } from '../errors.ts';
import { Emitter } from '../events.ts';
import { Joined } from '../joined.ts';
import type { Log } from '../log.ts';
import { requireNone, requireWritable, runGone, runJustStarting } from './errors.ts';
import { isFinished, isWorking, type Run } from './run.ts';
import type { RunStore } from './store.ts';

export interface StarterOptions {
  store: RunStore;
  log: Log;
  /** Starts the run's process; `resume` continues from its last checkpoint. */
  launch(folder: string, launch: RunLaunch): Promise<StartedRun>;
  mayStart(): boolean;
  /** A run that was to start could not be started. */
  onFailure(run: Run, error: HostError): void;
}

/** How often it is looked whether a terminal still waits for its run's turn. */
const TERMINAL_MS = 5_000;

/**
 * Runs wait in line: one trains at a time, the next starts when it ends. The line is `.luthier/queue.json`, so it
 * outlives windows and is the same in each, and in terminals (`luthier train --queue`); a lock makes sure that only one
 * of them starts a run.
 */
export class RunStarter {
  /** The order of the waiting runs changed. */
  readonly changed = new Emitter<void>();
  private readonly options: StarterOptions;
  private readonly orders = new Map<string, string[]>();
  /** Queues that cannot be read. */
  broken: readonly Broken[] = [];
  /** When the command began that put a run in line, by the run's folder: forgotten once it has to wait for another. */
  private readonly asked = new Map<string, number>();
  private readonly pumping = new Joined(() => this.startNext());
  private looking: NodeJS.Timeout | undefined;
  private readonly subscription: { dispose(): void };

  constructor(options: StarterOptions) {
    this.options = options;
    this.subscription = options.store.changed.on(() => void this.pump());
  }

  dispose(): void {
    clearTimeout(this.looking);
    this.subscription.dispose();
    this.changed.dispose();
  }

  /** Place in the line, 1 for the next; null when the run does not wait. */
  position(run: Run): number | null {
    const place = waiting(this.options.store.all(), this.orders.get(run.home) ?? []).indexOf(run);
    return place < 0 ? null : place + 1;
  }

  /**
   * Puts a run in line and starts it when nothing trains. The run was never started, was interrupted, or failed.
   * Resolves to what it waits for, or null when it started. Throws HostError.
   * @param since milliseconds since the epoch at which the person's command began
   */
  async enqueue(run: Run, since = Date.now()): Promise<Run | null> {
    const { store } = this.options;
    requireWritable(run);
    if (isWorking(run)) throw new HostError('run-busy', `${run.record.name} is already running.`);
    if (run.foreign) {
      throw new HostError(
        'run-untrusted',
        `${run.record.name} was not started on this machine: it came with this folder, was moved, or is from Luthier 0.1.0.`,
        'Resume asks what to do with it.',
      );
    }
    requireNone(await runFolderProblem(run.folder), `${run.record.name} was not started`);
    const read = await lookAtRecord(run.folder);
    if (!read) throw runGone(run);
    if (isFinished(run) && run.state !== 'failed') {
      throw new HostError(
        'run-busy',
        `${run.record.name} is finished (${run.state}).`,
        'Use Duplicate and Edit Recipe to train again.',
      );
    }
    if (read.record.state !== 'queued')
      await writeRecordInPlace(run.folder, { ...read.record, state: 'queued', error: null });
    await this.reorder(run.home, (order) => [...order, run.record.id]);
    store.follow(run.folder);
    await store.refreshRun(run.folder);
    this.asked.set(run.folder, since);
    await this.pump();
    // Time spent waiting in line is not the run's: it counts from its start.
    this.asked.delete(run.folder);
    const now = store.get(run.folder);
    return now?.state === 'queued' ? (store.working()[0] ?? null) : null;
  }

  /** Puts a waiting run before all others. */
  async putFirst(run: Run): Promise<void> {
    await this.reorder(run.home, (order) => [run.record.id, ...order]);
    await this.pump();
  }

  /** Starts a waiting run at once, also beside one that is at work. Throws HostError. */
  async startNow(run: Run): Promise<void> {
    await this.putFirst(run);
    const now = this.options.store.get(run.folder);
    if (now?.state !== 'queued' || !this.options.mayStart()) return;
    await whileStarting(run.home, () => this.start(now, true));
  }

  /** Moves a waiting run by `by` places. */
  async move(run: Run, by: number): Promise<void> {
    await this.reorder(run.home, (order) => moved(order, run.record.id, by));
  }

  /** Takes a waiting run out of the line; its folder stays. */
  async withdraw(run: Run): Promise<void> {
    await withdraw(run.home, run.folder, run.record.id);
    this.orders.set(run.home, await readQueue(run.home));
    this.changed.fire();
    await this.options.store.refreshRun(run.folder);
  }

  /** Reads the queues again, because another window changed one. */
  async reload(homes: readonly string[]): Promise<void> {
    const broken: Broken[] = [];
    for (const home of homes) {
      const queue = await lookAtQueue(home);
      this.orders.set(home, queue.order);
      if (queue.broken) broken.push(queue.broken);
    }
    this.broken = broken;
    this.changed.fire();
    await this.pump();
  }

  /** Starts the next run when none is at work. Calls while it is busy are joined to one more after it. */
  pump(): Promise<void> {
    return this.pumping.run();
  }

  private async reorder(home: string, change: (order: string[]) => string[]): Promise<void> {
    this.orders.set(home, await changeQueue(home, change));
    this.changed.fire();
  }

  private async startNext(): Promise<void> {
    const { store, log } = this.options;
    if (!this.options.mayStart() || store.working().length > 0) return;
    for (const [home, order] of this.orders) {
      const next = waiting(store.all(), order)[0];
      if (!next) continue;
      if (await this.isTurnOfTerminal(home, next)) return;
      try {
        await whileStarting(home, () => this.start(next));
      } catch (error) {
        log.error(error as Error);
        this.options.onFailure(next, toHostError(error));
      }
      return;
    }
  }

  /** Whether a terminal waits with the run and starts it. It may also be killed, so we look again. */
  private async isTurnOfTerminal(home: string, next: Run): Promise<boolean> {
    if (!(await lookAtQueue(home)).inTerminals.has(next.record.id)) return false;
    clearTimeout(this.looking);
    this.looking = setTimeout(() => void this.pump(), TERMINAL_MS);
    this.looking.unref();
    return true;
  }

  /** Under the lock: checks on disk that the run still waits (and, unless `beside`, that none is at work), marks it as starting, and starts its process. */
  private async start(run: Run, beside = false): Promise<void> {
    const { store, log } = this.options;
    // Another window may have started one since this one last looked.
    await store.refresh();
    if (!beside && store.working().length > 0) return;
    const read = await lookAtRecord(run.folder);
    const order = await readQueue(run.home);
    const own = read !== null && (await store.isOwn(run.folder, read.record));
    if (read?.record.state !== 'queued' || read.problem !== null || !own || !order.includes(run.record.id)) {
      this.orders.set(run.home, order);
      await store.refreshRun(run.folder);
      return;
    }
    await this.reorder(run.home, (ids) => ids.filter((id) => id !== run.record.id));
    requireNone(await runFolderProblem(run.folder), `${run.record.name} was not started`);
    const resume = read.record.started_at !== null;
    // Other windows must not start the next one before this process has written its own state.
    await writeRecordInPlace(run.folder, { ...read.record, state: 'starting' });
    await store.refreshRun(run.folder);
    try {
      const { pid, early } = await this.options.launch(run.folder, {
        resume,
        since: this.asked.get(run.folder) ?? Date.now(),
      });
      log.info(`Run ${run.record.id} ${resume ? 'resumed' : 'started'}: process ${pid ?? '?'}`);
      void early.then((ended) => this.afterExit(run, pid, ended));
    } catch (error) {
      const failure = toHostError(error);
      await this.fail(run, failure);
      throw failure;
    }
  }

  /** The process ended while this window still watched. When it had not even begun, nobody else tells why. */
  private async afterExit(run: Run, pid: number | undefined, { code, signal, told }: EndedRun): Promise<void> {
    const read = await lookAtRecord(run.folder).catch(() => null);
    // One that had begun and has given its lock back has told its end: if the run is starting, then with another process.
    const isItsOwn = told?.ready !== true || (await holderOf(run.folder)) === pid;
    if (read?.record.state === 'starting' && isItsOwn) {
      const tail = printedIn(await readTail(join(run.folder, FILES.log)));
      const error =
        told?.ready === false
          ? toHostError(new LuthierError(told.error.code, told.error.message, told.error.hint))
          : new HostError(
              'engine-start',
              `The training process stopped before it began (${exitReason(code, signal, tail)}).`,
              'Show Log has its output.',
              ['showLog'],
            );
      this.options.log.error(`${run.folder}: ${tail}`);
      // One that was killed has nothing wrong with it: it can be resumed at once.
      await this.fail(run, error, signal === null ? 'failed' : 'interrupted');
      this.options.onFailure(run, error);
    } else await this.options.store.refreshRun(run.folder);
  }

  private async fail(run: Run, failure: HostError, state: 'failed' | 'interrupted' = 'failed'): Promise<void> {
    const read = await lookAtRecord(run.folder);
    if (read && read.problem === null) {
      const error = { code: failure.code, message: failure.message, ...(failure.hint ? { hint: failure.hint } : {}) };
      await writeRecordInPlace(run.folder, {
        ...read.record,
        state,
        error,
        finished_at: new Date().toISOString(),
      });
    }
    await this.options.store.refreshRun(run.folder);
  }
}

/** Changes name, note or tags: through the process where one works (it owns run.json), else in the file. */
export async function describeRun(store: RunStore, run: Run, change: RunDescription): Promise<void> {
  requireWritable(run);
  const connection = store.connection(run);
  if (connection) await connection.request('describe', change);
  else {
    const read = await lookAtRecord(run.folder);
    if (!read) throw runGone(run);
    if (WORKING_STATES.has(read.record.state) && run.state !== 'interrupted') {
      throw runJustStarting(run, 'run-busy');
    }
    await writeRecordInPlace(run.folder, { ...read.record, ...change });
  }
  await store.refreshRun(run.folder);
}
