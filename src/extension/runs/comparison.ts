import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { type Compared, type Comparison, type ComparisonAsked, candidateName } from '../../protocol/index.ts';
import type { EngineService } from '../engine/service.ts';
import { Emitter } from '../events.ts';

const TITLES: Readonly<Record<Compared, string>> = { ways: 'Ways', models: 'Models', search: 'Search' };

type Report = (progress: { message: string; done: number; total: number }) => void;

/** A comparison as a window works on it, or looks at it: what was asked, and how it stands. */
export class ComparisonSession {
  readonly asked: ComparisonAsked;
  comparison: Comparison | null;
  /** How much of its steps the candidate at work has done. */
  share = 0;
  readonly changed = new Emitter<'all' | 'share'>();
  private readonly service: Pick<EngineService, 'request'>;
  private key: string | null = null;

  constructor(service: Pick<EngineService, 'request'>, asked: ComparisonAsked, comparison: Comparison | null = null) {
    this.service = service;
    this.asked = asked;
    this.comparison = comparison;
  }

  get isWorking(): boolean {
    return this.key !== null;
  }

  get title(): string {
    const { data, compared, recipe } = this.asked;
    return `${TITLES[compared]}: ${basename(recipe ?? data)}`;
  }

  /** Works until all is measured, or it is interrupted. @throws HostError as the engine says it */
  async run(signal: AbortSignal, report: Report): Promise<Comparison> {
    const key = randomUUID();
    this.key = key;
    this.changed.fire('all');
    const interrupt = () => void this.interrupt();
    signal.addEventListener('abort', interrupt);
    try {
      this.comparison = await this.service.request(
        'comparison/run',
        { ...this.asked, key },
        {
          onPart: (part) => {
            if (part.type !== 'comparison') return;
            const isShare = part.share > 0;
            this.comparison = part.comparison;
            this.share = part.share;
            report(progressOf(part.comparison, part.share));
            this.changed.fire(isShare ? 'share' : 'all');
          },
        },
      );
      return this.comparison;
    } catch (error) {
      // What was done stands in its file, and the same question resumes.
      if (this.comparison?.state === 'running') this.comparison = { ...this.comparison, state: 'interrupted' };
      throw error;
    } finally {
      signal.removeEventListener('abort', interrupt);
      this.key = null;
      this.share = 0;
      this.changed.fire('all');
    }
  }

  /** Asks it to write a checkpoint and end; `run` gives what is done. */
  async interrupt(): Promise<void> {
    if (this.key !== null) await this.service.request('comparison/interrupt', { key: this.key });
  }
}

/** In hundredths of all that is to be tried, as estimated. */
function progressOf({ compared, candidates }: Comparison, share: number): ReturnType<() => Parameters<Report>[0]> {
  // One that ran and came to no result in its time was tried, too.
  const tried = candidates.filter(({ state, run }) => state !== 'left-out' || run !== null);
  const at = tried.findIndex(({ state }) => state === 'running');
  const seconds = (some: typeof tried) => some.reduce((sum, { estimate_s }) => sum + (estimate_s ?? 0), 0);
  const all = seconds(tried) || 1;
  const ended = seconds(tried.filter(({ state }) => state !== 'waiting' && state !== 'running'));
  const current = tried[at];
  const message = current ? `${at + 1} of ${tried.length}: ${candidateName(compared, current)}` : 'Estimating…';
  return { message, done: (100 * (ended + share * (current?.estimate_s ?? 0))) / all, total: 100 };
}
