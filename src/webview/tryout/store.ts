import { type Answer, type MaskPrediction, maskFills, type TagPrediction, type Texts } from '../../protocol/answers.ts';
import { counted } from '../../protocol/figures.ts';
import type { TryoutMessage, TryoutRequest, TryoutSnapshot } from '../../protocol/tryout-page.ts';
import { significant } from '../shared/format.ts';

/** Lines predicted at once; more belong into Evaluate on File. */
export const MAX_LINES = 50;
const MAX_HISTORY = 100;

/** A text or a pair of texts with its answers. */
export interface Result<A extends Answer = Answer> extends Texts {
  tuned: A;
  base: A | null;
}

/** Of a model that names entities. */
export const isTagged = (answer: Answer): answer is TagPrediction => 'entities' in answer;

/** Of a model that fills in masks. */
export const isFilled = (answer: Answer): answer is MaskPrediction => 'predictions' in answer;

/** What is said of a text as a whole. */
export type TextAnswer = Exclude<Answer, TagPrediction | MaskPrediction>;

/** An answer in a few words. */
export function headline(answer: Answer): { label: string; score: number | null } {
  if (isTagged(answer)) {
    const { length } = answer.entities;
    return { label: length === 0 ? 'No entities' : counted(length, 'entity', 'entities'), score: null };
  }
  if ('value' in answer) return { label: significant(answer.value), score: null };
  if (isFilled(answer)) {
    const best = maskFills(answer).map(([first]) => first!);
    return { label: best.map(shownToken).join(', '), score: best.length === 1 ? best[0]!.score : null };
  }
  if ('labels' in answer) return { label: answer.labels.join(', ') || 'no label', score: null };
  return { label: answer.label, score: answer.score };
}

export interface HistoryEntry extends Texts {
  /** What was answered, in a few words. */
  label: string;
  /** How likely that is; null for a number and an answer of several parts. */
  score: number | null;
}

/** The row that the text was picked from. */
export interface PickedRow extends Texts {
  label: string | null;
  /** Where it is a sentence of them. */
  words?: string[];
  file: string;
  line: number;
}

/** What outlives hiding and reloading. */
export interface KeptTryout {
  /** Id of the run, for the host. */
  run: string | null;
  text: string;
  /** What stands in the field for the second text. */
  text_pair: string;
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

/** What tells tried texts apart. */
export const keyOf = ({ text, text_pair }: Texts): string =>
  text_pair === undefined ? text : JSON.stringify([text, text_pair]);

/** The texts alone of what carries them. */
export const textsOf = ({ text, text_pair }: Texts): Texts => ({ text, ...(text_pair !== undefined && { text_pair }) });

/** A row's own line ends would make several texts of it. */
const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ').trim();

/** A token as it is shown: a blank before it begins a word. */
export const shownToken = ({ token_str }: { token_str: string }): string =>
  token_str.trim() || JSON.stringify(token_str);

/** Labels that are answered. */
export const labelsOf = (answer: TextAnswer): readonly string[] => {
  if ('value' in answer) return [];
  return 'labels' in answer ? answer.labels : [answer.label];
};

/** Labels of an answer by probability, highest first. */
export const ranked = (answer: TextAnswer): { label: string; score: number }[] => {
  if ('value' in answer) return [];
  return Object.entries(answer.scores)
    .map(([label, score]) => ({ label, score }))
    .sort((a, b) => b.score - a.score);
};

/** Try Model's state. `apply` takes what the host says, `request` gives what to ask it; there is no DOM in here. */
export class TryoutStore {
  models: TryoutSnapshot | null = null;
  #run: string | null = null;
  text = '';
  /** The second text, for a model of pairs. */
  textPair = '';
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
  /** Rows that were added to the data, by `keyOf` their texts; so are the others. */
  readonly added = new Map<string, Extract<TryoutMessage, { type: 'added' }>>();
  /** Texts that stand in the data already and were not added again. */
  readonly stands = new Map<string, Extract<TryoutMessage, { type: 'stands' }>>();
  /** Labels that the person chose for texts, before they are added. */
  readonly chosen = new Map<string, string>();
  #asked = 0;
  #answered = 0;

  get #corrections(): Map<string, unknown>[] {
    return [this.added, this.stands, this.chosen];
  }

  /** What its data called the two texts, where the model was trained on pairs. */
  get pair(): { text: string; text_pair: string } | undefined {
    return this.models?.tuned.pair;
  }

  /** What marks a place that the model fills in, where it answers at such places alone. */
  get mask(): string | undefined {
    return this.models?.tuned.mask;
  }

  /** Texts without a mask, which there is nothing to answer in. */
  get unmasked(): number {
    const { mask } = this;
    return mask === undefined ? 0 : linesOf(this.text).filter((text) => !text.includes(mask)).length;
  }

  /** What is to be answered of the input: a text a line (with a mask, where the model wants one), or a pair with both. */
  get asked(): Texts[] {
    const { mask } = this;
    if (!this.pair) {
      const lines = linesOf(this.text).map((text) => ({ text }));
      return mask === undefined ? lines : lines.filter(({ text }) => text.includes(mask));
    }
    const [text, text_pair] = [oneLine(this.text), oneLine(this.textPair)];
    return text === '' || text_pair === '' ? [] : [{ text, text_pair }];
  }

  /** Whether only one text of a pair is there. */
  get isHalf(): boolean {
    return this.pair !== undefined && (this.text.trim() === '') !== (this.textPair.trim() === '');
  }

  /** Puts texts into the input. */
  fill({ text, text_pair }: Texts): void {
    this.text = text;
    this.textPair = text_pair ?? '';
  }

  get waiting(): boolean {
    return this.#asked !== this.#answered;
  }

  /** Whether the results are of other lines than those in the input. */
  get stale(): boolean {
    const asked = this.asked.slice(0, MAX_LINES);
    return (
      this.waiting ||
      asked.length !== this.results.length ||
      asked.some((texts, i) => keyOf(texts) !== keyOf(this.results[i]!))
    );
  }

  /** The request for what stands in the input; null when there is nothing to ask. An answer to an earlier one is dropped. */
  request(): Extract<TryoutRequest, { type: 'predict' }> | null {
    const texts = this.asked.slice(0, MAX_LINES);
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
        if (this.failure?.request === 'ready') this.failure = null;
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
        this.results = message.tuned.map((tuned, i) => ({ ...textsOf(tuned), tuned, base: message.base?.[i] ?? null }));
        return;
      case 'row':
        this.picked = {
          ...message,
          text: oneLine(message.text),
          ...(message.text_pair !== undefined && { text_pair: oneLine(message.text_pair) }),
        };
        this.fill(this.picked);
        return;
      case 'added':
        this.stands.delete(keyOf(message));
        this.added.set(keyOf(message), message);
        return;
      case 'stands':
        this.stands.set(keyOf(message), message);
        return;
      case 'undone':
        this.added.delete(keyOf(message));
        this.chosen.delete(keyOf(message));
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
    const entries = this.results.map(({ tuned, ...result }) => ({
      ...textsOf(result),
      ...headline(tuned),
    }));
    const known = new Set(this.history.slice(0, entries.length).map(keyOf));
    if (entries.every((entry) => known.has(keyOf(entry)))) return false;
    const keys = new Set(entries.map(keyOf));
    this.history = [...entries, ...this.history.filter((entry) => !keys.has(keyOf(entry)))].slice(0, MAX_HISTORY);
    return true;
  }

  kept(): KeptTryout {
    const { text, textPair: text_pair, compare, history, picked } = this;
    return { run: this.#run, text, text_pair, compare, history, picked };
  }

  /** Takes back what was kept; what is odd in it is left out. */
  restore(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    const kept = value as Record<string, unknown>;
    if (typeof kept.run === 'string') this.#run = kept.run;
    if (typeof kept.text === 'string') this.text = kept.text;
    if (typeof kept.text_pair === 'string') this.textPair = kept.text_pair;
    if (typeof kept.compare === 'boolean') this.compare = kept.compare;
    if (Array.isArray(kept.history)) this.history = kept.history.filter(isEntry);
    if (isPicked(kept.picked)) this.picked = kept.picked;
  }
}

const areTexts = (value: Partial<Texts> | null | undefined): boolean =>
  typeof value?.text === 'string' && (value.text_pair === undefined || typeof value.text_pair === 'string');

const isEntry = (value: unknown): value is HistoryEntry => {
  const entry = value as Partial<HistoryEntry> | null;
  return (
    areTexts(entry) && typeof entry?.label === 'string' && (entry.score === null || typeof entry.score === 'number')
  );
};

const isPicked = (value: unknown): value is PickedRow => {
  const row = value as Partial<PickedRow> | null | undefined;
  return (
    areTexts(row) &&
    (row?.label === null || typeof row?.label === 'string') &&
    typeof row?.file === 'string' &&
    typeof row.line === 'number'
  );
};
