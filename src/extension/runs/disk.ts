import type { diskUse } from '../../files/folders.ts';
import type { Log } from '../log.ts';
import { isWorking, type Run } from './run.ts';
import type { RunStore } from './store.ts';

export interface RunsDiskOptions {
  store: Pick<RunStore, 'all' | 'changed'>;
  measure: typeof diskUse;
  /** Gigabytes above which it is said; 0: never. */
  limit(): number;
  /** The bytes of all runs, whenever they are known again. */
  onMeasured(bytes: number): void;
  /** They have passed the limit: told once for each time that they do. */
  onLimit(bytes: number): void;
  log: Log;
  /** Milliseconds after a change in which others may follow. */
  pauseMs?: number;
}

/**
 * The disk that all runs take. Folders are measured after a run appeared, ended or went away, not with each step of one
 * that trains: a run's own size is known again when it ends.
 */
export class RunsDisk {
  private readonly options: RunsDiskOptions;
  private readonly subscription: { dispose(): void };
  private readonly sizes = new Map<string, { mark: string; bytes: number }>();
  private timer: NodeJS.Timeout | undefined;
  private seen = '';
  private isOver = false;

  constructor(options: RunsDiskOptions) {
    this.options = options;
    this.subscription = options.store.changed.on(() => this.changed());
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.subscription.dispose();
  }

  private changed(): void {
    const now = this.options.store
      .all()
      .map((run) => `${run.folder} ${mark(run)}`)
      .join('\n');
    if (now === this.seen) return;
    this.seen = now;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.measure().catch((error: Error) => this.options.log.warn(`Disk of runs: ${error.message}`));
    }, this.options.pauseMs ?? 2_000);
  }

  /** Measures what changed and tells the sum. Public for after a clean-up, which changes no run. */
  async measure(forget = false): Promise<void> {
    if (forget) this.sizes.clear();
    const runs = this.options.store.all();
    let bytes = 0;
    for (const run of runs) {
      const known = this.sizes.get(run.folder);
      const size = known?.mark === mark(run) ? known.bytes : await this.options.measure(run.folder);
      this.sizes.set(run.folder, { mark: mark(run), bytes: size });
      bytes += size;
    }
    const folders = new Set(runs.map(({ folder }) => folder));
    for (const folder of this.sizes.keys()) if (!folders.has(folder)) this.sizes.delete(folder);
    this.options.onMeasured(bytes);
    const limit = this.options.limit() * 1e9;
    const isOver = limit > 0 && bytes > limit;
    if (isOver && !this.isOver) this.options.onLimit(bytes);
    this.isOver = isOver;
  }
}

/** What a run's folder holds is another once this is. */
const mark = (run: Run): string => `${isWorking(run)} ${run.state} ${run.record.finished_at} ${run.record.model}`;
