import {
  type CompletionCounts,
  type CompletionSpan,
  type CompletionsMessage,
  type CompletionsState,
  type CountedDay,
  parseCompletionsState,
} from '../../protocol/completions-page.ts';
import type { ErrorData } from '../../protocol/errors.ts';

/** Counts of a model in a language, over the days that are looked at. */
export interface CountedRow extends CompletionCounts {
  model: string;
  name: string;
  language: string;
}

const NONE: CompletionCounts = { shown: 0, accepted: 0, partly: 0, rejected: 0, edited: 0, characters: 0 };
const KEYS = Object.keys(NONE) as (keyof CompletionCounts)[];
const DAY_MS = 24 * 3600 * 1000;

/** What the page of completions' counts shows; no DOM in here. */
export class CompletionsStore {
  days: CountedDay[] | null = null;
  failure: ErrorData | null = null;
  span: CompletionSpan = '30';
  #today = '';

  apply(message: CompletionsMessage): void {
    if (message.type === 'failed') {
      this.failure = message.error;
      return;
    }
    this.days = message.days;
    this.#today = message.today;
    this.failure = null;
  }

  /** Days that are looked at. */
  get looked(): CountedDay[] {
    const { days, span } = this;
    if (span === 'all') return days ?? [];
    const first = Date.parse(this.#today) - (Number(span) - 1) * DAY_MS;
    return (days ?? []).filter(({ day }) => Date.parse(day) >= first);
  }

  /** By model and language, what was shown most first. */
  get rows(): CountedRow[] {
    const rows = new Map<string, CountedRow>();
    for (const { day: _, model, name, language, ...counts } of this.looked) {
      const key = JSON.stringify([model, language]);
      const row = rows.get(key) ?? { model, name, language, ...NONE };
      add(row, counts);
      rows.set(key, row);
    }
    return [...rows.values()].sort((a, b) => b.shown - a.shown);
  }

  get total(): CompletionCounts {
    const total = { ...NONE };
    for (const day of this.looked) add(total, day);
    return total;
  }

  kept(): CompletionsState {
    return { version: 1, span: this.span };
  }

  restore(value: unknown): void {
    const parsed = parseCompletionsState(value);
    if (parsed.ok) this.span = parsed.message.span;
  }
}

/** Suggestions of which all or some words were taken. */
export const taken = ({ accepted, partly }: CompletionCounts): number => accepted + partly;

function add(sum: CompletionCounts, counts: CompletionCounts): void {
  for (const key of KEYS) sum[key] += counts[key];
}
