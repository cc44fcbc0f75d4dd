import type { Dirent } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Broken, whyUnreadable } from '../../files/broken.ts';
import { isMissing } from '../../files/errno.ts';
import { listFolder, mapLimited } from '../../files/folders.ts';
import { homeProblem, isOwnRun } from '../../guard/index.ts';
import { type RunEvent, type RunNotifications, type RunRecord, WORKING_STATES } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { isJustStarting } from '../../runs/holder.ts';
import { lookAtRecord, type ReadRecord, recordTime } from '../../runs/record.ts';
import { Emitter } from '../events.ts';
import { Joined } from '../joined.ts';
import type { Log } from '../log.ts';
import type { Attempt, RunConnection } from './connection.ts';
import { isWorking, progressAt, type Run, refusalOf } from './run.ts';

/** So long a folder may be without its record: it is just being made, or deleted. */
const MAKING_MS = 10_000;
const RETRY_MS = 3_000;
/** So long a process that has ended its run may take to end itself. */
const LAST_WORDS_MS = 60_000;
/** Readers of run.json at once. */
const READERS = 32;

export interface StoreOptions {
  log: Log;
  /** Told to runs as who is calling. */
  client: string;
  /** An untrusted workspace's runs are shown from their files; nothing in it is connected to. */
  mayConnect(): boolean;
  connect?: (folder: string, client: string, log: Log) => Promise<Attempt>;
  now?: () => number;
  /** Whether this person made a run; by default, whether it is on the list that editor and terminal share. */
  isOwn?: (folder: string, record: RunRecord) => Promise<boolean>;
}

/** An event of a run that this window is attached to, with its 0-based line in metrics.jsonl. */
export interface AttachedEvent {
  run: Run;
  line: number;
  event: RunEvent;
}

interface Entry {
  run: Run;
  /** When run.json was last changed, as read. */
  time: number;
  connection: RunConnection | null;
  connecting: boolean;
  /** This window started it or was attached to it, so its end is news. */
  followed: boolean;
  retry: NodeJS.Timeout | undefined;
}

/**
 * All runs under the known `.luthier` folders. Their folders are the truth: `refresh` reads what changed, and a
 * run that works is attached to by its socket, which makes it live. Needs no vscode; watching is the caller's.
 */
export class RunStore {
  /** Runs that appeared, changed or went away. */
  readonly changed = new Emitter<readonly Run[]>();
  /** Folders among the runs that are none. */
  broken: readonly Broken[] = [];
  readonly brokenChanged = new Emitter<void>();
  readonly events = new Emitter<AttachedEvent>();
  /** A run that this window saw working has come to its end, whichever. */
  readonly ended = new Emitter<Run>();
  private readonly options: StoreOptions;
  private readonly now: () => number;
  private readonly entries = new Map<string, Entry>();
  private homes: readonly string[] = [];
  /** `.luthier` folders that are links, told once. */
  private readonly refused = new Set<string>();
  private readonly refreshing = new Joined(
    () => this.scan(),
    () => this.disposed,
  );
  private polling: NodeJS.Timeout | undefined;
  private disposed = false;

  constructor(options: StoreOptions) {
    this.options = options;
    this.now = options.now ?? Date.now;
  }

  /** Whether a run was made, or said to be theirs, by the person at this machine. */
  async isOwn(folder: string, record: RunRecord): Promise<boolean> {
    return await (this.options.isOwn ?? isOwnRun)(folder, record);
  }

  /** Newest first. */
  all(): Run[] {
    return [...this.entries.values()]
      .map(({ run }) => run)
      .sort((a, b) => b.record.created_at.localeCompare(a.record.created_at));
  }

  get(folder: string): Run | undefined {
    return this.entries.get(folder)?.run;
  }

  /** By id or folder, for what a tree, a webview's state or a person names. */
  find(name: string): Run | undefined {
    return this.get(name) ?? this.all().find((run) => run.record.id === name);
  }

  working(): Run[] {
    return this.all().filter(isWorking);
  }

  connection(run: Run): RunConnection | null {
    return this.entries.get(run.folder)?.connection ?? null;
  }

  /** This window starts the run: it wants to hear of its end even if that comes before the first call is through. */
  follow(folder: string): void {
    const entry = this.entries.get(folder);
    if (entry) entry.followed = true;
  }

  /** Sets the `.luthier` folders to look into, and looks. */
  async setHomes(homes: readonly string[]): Promise<void> {
    this.homes = [...new Set(homes)];
    await this.refresh();
  }

  /** Reads what changed on disk. Calls during a read are joined to one more after it. */
  refresh(): Promise<void> {
    return this.refreshing.run();
  }

  /** Looks again from time to time, for file systems that do not tell of changes. */
  poll(everyMs: number): void {
    clearInterval(this.polling);
    this.polling = setInterval(() => void this.refresh(), everyMs);
    this.polling.unref();
  }

  /** Reads one run's folder again, for example because a watcher saw its run.json change. */
  async refreshRun(folder: string): Promise<Run | undefined> {
    const changed: Run[] = [];
    await this.readOne(dirname(dirname(folder)), folder, changed, true);
    this.fire(changed);
    return this.get(folder);
  }

  dispose(): void {
    this.disposed = true;
    clearInterval(this.polling);
    for (const entry of this.entries.values()) this.detach(entry);
    this.entries.clear();
    this.changed.dispose();
    this.brokenChanged.dispose();
    this.events.dispose();
    this.ended.dispose();
  }

  private async scan(): Promise<void> {
    const changed: Run[] = [];
    const seen = new Set<string>();
    for (const home of this.homes) {
      const runs = await this.list(home);
      const folders = runs.filter((entry) => entry.isDirectory()).map((entry) => join(home, 'runs', entry.name));
      for (const folder of folders) seen.add(folder);
      await mapLimited(folders, READERS, (folder) => this.readOne(home, folder, changed, false));
    }
    for (const [folder, entry] of [...this.entries]) {
      if (seen.has(folder)) continue;
      // One that was taken in while the folders were read is new, not gone.
      const stays = this.homes.includes(entry.run.home) && (await recordTime(folder).catch(() => null)) !== null;
      if (!stays && this.entries.get(folder) === entry) this.remove(folder, entry, changed);
    }
    await this.lookAtBroken(seen);
    this.fire(changed);
  }

  /** A folder that is just being made or deleted has no record for a moment; one that stays so is shown. */
  private async lookAtBroken(seen: ReadonlySet<string>): Promise<void> {
    const unknown = [...seen].filter((folder) => !this.entries.has(folder));
    const found = await mapLimited(unknown, READERS, async (folder): Promise<Broken | null> => {
      try {
        const { mtimeMs } = await stat(folder);
        if (this.now() - mtimeMs < MAKING_MS || (await recordTime(folder)) !== null) return null;
        return { path: folder, problem: 'run.json is missing.' };
      } catch (error) {
        return isMissing(error) ? null : { path: folder, problem: whyUnreadable(join(folder, FILES.record), error) };
      }
    });
    const broken = found.filter((one) => one !== null);
    if (JSON.stringify(broken) === JSON.stringify(this.broken)) return;
    this.broken = broken;
    if (!this.disposed) this.brokenChanged.fire();
  }

  /** Folders in a `.luthier` folder's `runs`; links are not followed, since they lead to other projects' runs. */
  private async list(home: string): Promise<Dirent[]> {
    try {
      const problem = await homeProblem(home, 'runs');
      if (problem === null) return await listFolder(join(home, 'runs'));
      if (!this.refused.has(home)) this.options.log.warn(`${home} is not looked into: ${problem}`);
      this.refused.add(home);
    } catch (error) {
      this.options.log.warn(`${home}: ${(error as Error).message}`);
    }
    return [];
  }

  private async readOne(home: string, folder: string, changed: Run[], always: boolean): Promise<void> {
    if (this.disposed) return;
    const known = this.entries.get(folder);
    const time = await recordTime(folder).catch(() => null);
    if (time === null) {
      if (known) this.remove(folder, known, changed);
      return;
    }
    // Equal times do not prove equal files (some systems count in seconds), so fresh ones are read again.
    const fresh = this.now() - time < 3000;
    if (known && known.time === time && !fresh && !always) {
      // A run that works and that nobody is attached to: trust was given since, or an earlier call failed.
      if (isWorking(known.run) && !known.connection && !known.connecting) this.attach(known);
      return;
    }
    const read = await lookAtRecord(folder);
    const foreign = read ? !(await this.isOwn(folder, read.record)) : true;
    if (!read || this.disposed) return;
    if (known) {
      const shown = () => JSON.stringify([known.run.record, known.run.state, known.run.foreign]);
      const before = shown();
      known.time = time;
      // One that answers on a socket of this user's is this user's.
      known.run.foreign = foreign && known.connection === null;
      this.update(known, read);
      if (shown() !== before) changed.push(known.run);
      return;
    }
    const entry: Entry = {
      run: {
        folder,
        home,
        record: read.record,
        state: read.record.state,
        ...refusalOf(read),
        foreign,
        silent: false,
        progress: null,
      },
      time,
      connection: null,
      connecting: false,
      followed: false,
      retry: undefined,
    };
    this.entries.set(folder, entry);
    this.update(entry, read);
    changed.push(entry.run);
  }

  /** Takes over what was read, and finds out whether a run that says that it works does. */
  private update(entry: Entry, read: ReadRecord): void {
    const { run } = entry;
    Object.assign(run, { record: read.record, ...refusalOf(read) });
    if (!WORKING_STATES.has(read.record.state)) {
      const worked = isWorking(run);
      run.state = read.record.state;
      if (worked && run.state !== 'queued') this.end(entry);
      return;
    }
    // While attached, the socket's word is newer than the file's; one judged interrupted stays so until it answers.
    if (!entry.connection && run.state !== 'interrupted') run.state = read.record.state;
    if (!entry.connection && !entry.connecting) this.attach(entry);
  }

  private attach(entry: Entry): void {
    const { run } = entry;
    clearTimeout(entry.retry);
    // A newer version's run is not spoken to: its socket may speak differently.
    if (this.disposed || !this.options.mayConnect() || run.readOnly !== null) return;
    entry.connecting = true;
    void this.connect(run.folder)
      .then((attempt) => this.attached(entry, attempt))
      .catch((error: Error) => this.options.log.warn(`${run.folder}: ${error.message}`))
      .finally(() => {
        entry.connecting = false;
      });
  }

  /** The client is loaded with the first run that works: activation does not pay for it. */
  private async connect(folder: string): Promise<Attempt> {
    const connect = this.options.connect ?? (await import('./connection.ts')).connectRun;
    return await connect(folder, this.options.client, this.options.log);
  }

  private async attached(entry: Entry, attempt: Attempt): Promise<void> {
    const { run } = entry;
    if (this.entries.get(run.folder) !== entry) {
      if (typeof attempt === 'object') attempt.close();
      return;
    }
    if (typeof attempt !== 'object') {
      const young = await isJustStarting(run.folder, run.record, this.now());
      if (attempt === 'silent' || young) {
        run.silent = attempt === 'silent';
        entry.retry = setTimeout(() => this.attach(entry), young ? 300 : RETRY_MS);
        entry.retry.unref();
        this.fire([run]);
        return;
      }
      // The record may have been finished between our reading and our call.
      const read = await lookAtRecord(run.folder);
      if (read && !WORKING_STATES.has(read.record.state)) {
        this.update(entry, read);
      } else if (run.state !== 'interrupted') {
        run.state = 'interrupted';
        this.end(entry);
      }
      this.fire([run]);
      return;
    }
    const connection = attempt;
    entry.connection = connection;
    entry.followed = true;
    run.silent = false;
    run.foreign = false;
    connection.onClose(() => {
      if (entry.connection !== connection) return;
      entry.connection = null;
      // Its last word is in the folder.
      void this.refreshRun(run.folder);
    });
    try {
      // Only what is new: who wants the past reads metrics.jsonl.
      await connection.subscribe(Number.MAX_SAFE_INTEGER, (line) => this.take(entry, line));
      const { state, step } = await connection.request('ping', {});
      if (!WORKING_STATES.has(state)) {
        // It ended just before: how, its folder says.
        await this.refreshRun(run.folder);
        return;
      }
      run.state = state;
      run.progress ??= { step, totalSteps: run.record.total_steps, loss: null, etaSeconds: null };
      connection.onPulse((answers) => {
        this.setSilent(entry, !answers && entry.connection === connection && isWorking(run));
      });
    } catch (error) {
      this.options.log.debug(`${run.folder}: ${(error as Error).message}`);
    }
    this.fire([run]);
  }

  private setSilent(entry: Entry, silent: boolean): void {
    if (entry.run.silent === silent) return;
    entry.run.silent = silent;
    this.fire([entry.run]);
  }

  private take(entry: Entry, { line, event }: RunNotifications['event']): void {
    const { run } = entry;
    if (event.event === 'step' || event.event === 'start') run.progress = progressAt(run, event);
    else if (event.event === 'state' && WORKING_STATES.has(event.state)) run.state = event.state;
    this.events.fire({ run, line, event });
    if (event.event === 'step') return;
    this.fire([run]);
    // run.json is written after the event; its watcher or this reading brings the rest.
    if (event.event === 'done' || event.event === 'error' || event.event === 'state' || event.event === 'eval') {
      const timer = setTimeout(() => void this.refreshRun(run.folder), 200);
      timer.unref();
    }
  }

  private end(entry: Entry): void {
    entry.run.progress = null;
    entry.run.silent = false;
    clearTimeout(entry.retry);
    // The record is written first: what the process says last, such as how long it took, is still on its way. It then
    // hangs up by itself.
    const { connection } = entry;
    if (connection) setTimeout(() => connection.close(), LAST_WORDS_MS).unref();
    if (entry.followed) this.ended.fire(entry.run);
    entry.followed = false;
  }

  private remove(folder: string, entry: Entry, changed: Run[]): void {
    this.detach(entry);
    this.entries.delete(folder);
    changed.push(entry.run);
  }

  private detach(entry: Entry): void {
    clearTimeout(entry.retry);
    const { connection } = entry;
    entry.connection = null;
    connection?.close();
  }

  private fire(changed: readonly Run[]): void {
    if (changed.length > 0 && !this.disposed) this.changed.fire(changed);
  }
}
