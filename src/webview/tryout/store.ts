import type { Prediction } from '../../protocol/service.ts';
import type { TryoutMessage, TryoutRequest, TryoutSnapshot } from '../../protocol/webview.ts';

/** Lines predicted at once; more belong into Evaluate on File. */
export const MAX_LINES = 50;
const MAX_HISTORY = 100;

/** A line with its answers. */
export interface Result {
  text: string;
  tuned: Prediction;
  base: Prediction | null;
}

export interface HistoryEntry {
  text: string;
  label: string;
  score: number;
}

/** The row that the text was picked from. */
export interface PickedRow {
  text: string;
  label: string | null;
  file: string;
  line: number;
}

/** What outlives hiding and reloading. */
export interface KeptTryout {
  /** Id of the run, for the host. */
  run: string | null;
  text: string;
  compare: boolean;
  history: HistoryEntry[];
  picked: PickedRow | null;
}

/** The texts of an input, one a line; blank lines are none. */
export const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Labels of a prediction by probability, highest first. */
export const ranked = (prediction: Prediction): { label: string; score: number }[] =>
  Object.entries(prediction.scores)
    .map(([label, score]) => ({ label, score }))
    .sort((a, b) => b.score - a.score);

/** Try Model's state. `apply` takes what the host says, `request` gives what to ask it; there is no DOM in here. */
export class TryoutStore {
  models: TryoutSnapshot | null = null;
  #run: string | null = null;
  text = '';
  compare = true;
  results: Result[] = [];
  history: HistoryEntry[] = [];
  picked: PickedRow | null = null;
  /** Said while a model is being loaded. */
  loading: string | null = null;
  failure: Extract<TryoutMessage, { type: 'failed' }> | null = null;
  /** The person ended the last request before it was answered. */
  cancelled = false;
  /** How long the last answer took, in ms. */
  took: number | null = null;
  /** Rows that were added to the data, by text. */
  readonly added = new Map<string, Extract<TryoutMessage, { type: 'added' }>>();
  /** Texts that stand in the data already and were not added again, by text. */
  readonly stands = new Map<string, Extract<TryoutMessage, { type: 'stands' }>>();
  /** Labels that the person chose for texts, before they are added. */
  readonly chosen = new Map<string, string>();
  #asked = 0;
  #answered = 0;

  get #corrections(): Map<string, unknown>[] {
    return [this.added, this.stands, this.chosen];
  }

  get lines(): string[] {
    return linesOf(this.text);
  }

  get waiting(): boolean {
    return this.#asked !== this.#answered;
  }

  /** Whether the results are of other lines than those in the input. */
  get stale(): boolean {
    const lines = this.lines.slice(0, MAX_LINES);
    return (
      this.waiting || lines.length !== this.results.length || lines.some((line, i) => line !== this.results[i]!.text)
    );
  }

  /** The request for the input's lines; null when there is nothing to ask. An answer to an earlier one is dropped. */
  request(): Extract<TryoutRequest, { type: 'predict' }> | null {
    const texts = this.lines.slice(0, MAX_LINES);
    this.failure = null;
    this.cancelled = false;
    if (texts.length === 0 || !this.models) {
      this.#answered = ++this.#asked;
      this.results = [];
      this.took = null;
      return null;
    }
    return { type: 'predict', id: ++this.#asked, texts, compare: this.compare && this.models.base !== null };
  }

  apply(message: TryoutMessage): void {
    switch (message.type) {
      case 'snapshot': {
        const { type: _, ...models } = message;
        // Rows of one model's data say nothing about another's.
        if (this.models && this.models.run !== models.run) for (const map of this.#corrections) map.clear();
        this.models = models;
        this.#run = models.run;
        this.results = [];
        return;
      }
      case 'loading':
        this.loading = message.message;
        return;
      case 'cancelled':
        if (message.id !== this.#asked) return;
        this.#answered = message.id;
        this.loading = null;
        this.cancelled = true;
        return;
      case 'predictions':
        if (message.id !== this.#asked) return;
        this.#answered = message.id;
        this.loading = null;
        this.took = message.ms;
        this.results = message.tuned.map((tuned, i) => ({ text: tuned.text, tuned, base: message.base?.[i] ?? null }));
        return;
      case 'row':
        // A row's own line ends would make several texts of it.
        this.picked = { ...message, text: message.text.replace(/\s*\n\s*/g, ' ').trim() };
        this.text = this.picked.text;
        return;
      case 'added':
        this.stands.delete(message.text);
        this.added.set(message.text, message);
        return;
      case 'stands':
        this.stands.set(message.text, message);
        return;
      case 'undone':
        this.added.delete(message.text);
        this.chosen.delete(message.text);
        return;
      case 'failed':
        if (message.id !== null && message.id !== this.#asked) return;
        if (message.id !== null) this.#answered = message.id;
        this.loading = null;
        this.failure = message;
        return;
    }
  }

  /** Takes the results into the history, newest first, each text once. Returns whether there was anything new. */
  remember(): boolean {
    if (this.stale || this.results.length === 0) return false;
    const entries = this.results.map(({ text, tuned }) => ({ text, label: tuned.label, score: tuned.score }));
    const known = new Set(this.history.slice(0, entries.length).map((entry) => entry.text));
    if (entries.every((entry) => known.has(entry.text))) return false;
    const texts = new Set(entries.map((entry) => entry.text));
    this.history = [...entries, ...this.history.filter((entry) => !texts.has(entry.text))].slice(0, MAX_HISTORY);
    return true;
  }

  kept(): KeptTryout {
    return { run: this.#run, text: this.text, compare: this.compare, history: this.history, picked: this.picked };
  }

  /** Takes back what was kept; what is odd in it is left out. */
  restore(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    const kept = value as Record<string, unknown>;
    if (typeof kept.run === 'string') this.#run = kept.run;
    if (typeof kept.text === 'string') this.text = kept.text;
    if (typeof kept.compare === 'boolean') this.compare = kept.compare;
    if (Array.isArray(kept.history)) this.history = kept.history.filter(isEntry);
    if (isPicked(kept.picked)) this.picked = kept.picked;
  }
}

const isEntry = (value: unknown): value is HistoryEntry => {
  const entry = value as Partial<HistoryEntry> | null;
  return typeof entry?.text === 'string' && typeof entry.label === 'string' && typeof entry.score === 'number';
};

const isPicked = (value: unknown): value is PickedRow => {
  const row = value as Partial<PickedRow> | null | undefined;
  return (
    typeof row?.text === 'string' &&
    (row.label === null || typeof row.label === 'string') &&
    typeof row.file === 'string' &&
    typeof row.line === 'number'
  );
};
