import { join } from 'node:path';
import { append, eventPrefix, type RunEvent, StepBuffer } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { type MetricsLine, type MetricsPosition, readMetrics, START_OF_METRICS } from '../../runs/metrics.ts';
import { Joined } from '../joined.ts';

/**
 * One run's past and present as the dashboard needs them: what metrics.jsonl holds, joined without gap or repetition
 * with the events that the socket brings. Lines are counted, so either source may be ahead of the other.
 */
export class RunFeed {
  readonly folder: string;
  /** Of several trainings those of the one at work. */
  readonly steps = new StepBuffer();
  private training: string | null = null;
  /** All but `step` events, in order. */
  readonly events: RunEvent[] = [];
  /** Called with what is new, in order, once the past is loaded. */
  onEvents: (events: RunEvent[]) => void = () => {};
  private position: MetricsPosition = START_OF_METRICS;
  /** Lines taken so far; the next one wanted. */
  private line = 0;
  private readonly reading = new Joined(async () => {
    this.position = await readMetrics(join(this.folder, FILES.metrics), this.position, (lines) => this.takeAll(lines));
    // Lines that are no events count all the same.
    this.line = Math.max(this.line, this.position.line);
  });
  private readonly early: MetricsLine[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Reads on to the end of the file. Calls during a reading are joined to one more after it. */
  async read(): Promise<void> {
    await this.reading.run();
    const early = this.early.splice(0);
    if (early.length > 0) this.live(early);
  }

  /** Events from the socket. What is already known is dropped; a gap is filled from the file. */
  live(lines: readonly MetricsLine[]): void {
    const fresh = lines.filter(({ line }) => line >= this.line);
    if (fresh.length === 0) return;
    if (this.reading.isRunning) {
      append(this.early, fresh);
      return;
    }
    if (fresh[0]!.line > this.line) {
      // When the file does not have the missing lines (not yet written through), what came is taken as it is.
      const before = this.line;
      void this.read().then(() => {
        if (this.line === before) this.takeAll(fresh);
        else this.live(fresh);
      });
      return;
    }
    this.takeAll(fresh);
  }

  private takeAll(lines: readonly MetricsLine[]): void {
    const fresh: RunEvent[] = [];
    for (const { line, event } of lines) {
      if (line < this.line) continue;
      this.line = line + 1;
      if (event.event === 'start' && eventPrefix(event) !== this.training) {
        this.training = eventPrefix(event);
        this.steps.clear();
      }
      if (event.event === 'step') this.steps.append(event);
      else this.events.push(event);
      fresh.push(event);
    }
    if (fresh.length > 0) this.onEvents(fresh);
  }
}
