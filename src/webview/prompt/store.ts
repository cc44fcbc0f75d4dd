import type { ErrorData } from '../../protocol/errors.ts';
import type { FinishReason } from '../../protocol/generation.ts';
import type {
  LabelScore,
  PromptColumn,
  PromptPageMessage,
  PromptPageRequest,
  PromptRow,
  PromptSnapshot,
  PromptValues,
  PromptVariable,
  PromptVote,
  ShownPrompt,
  WayOn,
} from '../../protocol/prompt-page.ts';
import { wilson } from '../../protocol/wilson.ts';
import { fingerprint } from './fingerprint.ts';

/** The one row of a page that tries a template. */
export const TRIED = 'tried';
/** The vote of a row whose answers are as good as one another. */
export const TIE = '';

export interface Failure {
  error: ErrorData;
  ways: WayOn[];
}

/** An answer, or what became of it. */
export interface CellState {
  /** What it was asked with, whatever is typed by now; null where that is not known any more. */
  values: PromptValues | null;
  text: string;
  /** Null while it is waited for or written. */
  end: { tokens: number | null; ms: number; reason: FinishReason } | null;
  waiting: string | null;
  notes: string[];
  labels: LabelScore[];
  failure: Failure | null;
}

/** Votes for a column; the interval is that of its share of the rows that a vote decided. */
export interface Tally {
  column: PromptColumn;
  votes: number;
  share: { low: number; high: number } | null;
}

interface Kept {
  template: string;
  mode: string;
  texts: Record<string, string>;
  from: string;
  rows: PromptRow[];
  cells: [string, CellState][];
  marks: boolean;
}

const keyOf = (row: string, column: string): string => `${row}\n${column}`;

/** The state of the page in which a template is tried or compared; there is no DOM in here. */
export class PromptStore {
  page: PromptSnapshot | null = null;
  /** What is typed for each variable of a template that is tried. */
  texts: Record<string, string> = {};
  /** Where these values are from; empty where they were typed. */
  from = '';
  /** Rows that answers are compared on. */
  rows: PromptRow[] = [];
  /** All that were cast on this template, the newest last; `tally` tells which of them count. */
  votes: PromptVote[] = [];
  /** Whether differing words are marked. */
  marks = true;
  rendered: ShownPrompt | null = null;
  renderError: ErrorData | null = null;
  estimate: Extract<PromptPageMessage, { type: 'estimated' }> | null = null;
  kept: { file: string; line: number } | null = null;
  unkept: string | null = null;
  failure: (Failure & { request: string }) | null = null;
  private cells = new Map<string, CellState>();
  private restored: Kept | null = null;
  private id = 0;
  private lastRun = 0;
  private running = false;
  private asked: string[] = [];

  get isRunning(): boolean {
    return this.running;
  }

  get columns(): readonly PromptColumn[] {
    return this.page?.columns ?? [];
  }

  /** Why the template cannot be run now; null where it can. */
  get blocked(): string | null {
    const { page } = this;
    if (!page) return '';
    if (page.blocked !== null) return page.blocked;
    if (page.problems.length > 0) return 'The template has errors.';
    if (page.columns.every(({ problem }) => problem !== null)) return 'No model is there to answer.';
    if (page.mode === 'compare') return this.rows.length === 0 ? 'There are no rows to answer.' : null;
    return page.variables.some((variable) => this.fault(variable) !== null) ? 'A value is not as it should be.' : null;
  }

  cell(row: string, column: string): CellState | null {
    return this.cells.get(keyOf(row, column)) ?? null;
  }

  /** What is wrong with what is typed for a variable. */
  fault({ name, kind }: PromptVariable): string | null {
    const text = this.texts[name] ?? '';
    if (text.trim() === '') return null;
    if (kind === 'number') return Number.isFinite(Number(text)) ? null : `“${text}” is not a number.`;
    if (kind !== 'array' && kind !== 'object') return null;
    try {
      const value: unknown = JSON.parse(text);
      if (kind === 'array') return Array.isArray(value) ? null : 'This is not a list. Write one in JSON: ["a", "b"].';
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
      return isObject ? null : 'This is not an object. Write one in JSON: {"a": 1}.';
    } catch (error) {
      return `This is not JSON: ${(error as Error).message}.`;
    }
  }

  /** What is typed as values. An empty field has none, unless it is a text that the sample has. */
  values(): PromptValues {
    const values: PromptValues = {};
    for (const variable of this.page?.variables ?? []) {
      const { name, kind } = variable;
      const text = this.texts[name];
      if (text === undefined || this.fault(variable) !== null) continue;
      // Without one the engine says so, or takes one from the template's file of samples.
      const isEmpty = text.trim() === '' && !(kind === 'string' && name in this.page!.sample);
      if (isEmpty && kind !== 'boolean') continue;
      if (kind === 'string') values[name] = text;
      else if (kind === 'boolean') values[name] = text === 'true';
      else values[name] = kind === 'number' ? Number(text) : JSON.parse(text);
    }
    return values;
  }

  type(name: string, text: string): void {
    this.texts[name] = text;
    this.from = '';
  }

  useSample(): void {
    if (this.page) this.take({ id: TRIED, title: 'sample', values: this.page.sample });
  }

  private take({ title, values }: PromptRow): void {
    this.texts = Object.fromEntries(
      (this.page?.variables ?? []).map(({ name, kind }) => [name, textOf(values[name], kind)]),
    );
    this.from = title;
  }

  addSampleRow(): void {
    if (this.page) this.addRows([{ id: 'sample', title: 'sample', values: this.page.sample }]);
  }

  private addRows(rows: readonly PromptRow[]): void {
    const known = new Set(this.rows.map(({ id }) => id));
    this.rows = [...this.rows, ...rows.filter(({ id }) => !known.has(id))];
  }

  /** Takes a row out with the vote on its answers, and gives what to keep of the votes where there was one. */
  removeRow(row: string): Extract<PromptPageRequest, { type: 'vote' }> | null {
    this.rows = this.rows.filter(({ id }) => id !== row);
    for (const key of this.cells.keys()) if (key.startsWith(`${row}\n`)) this.cells.delete(key);
    const votes = this.votes.filter((vote) => !(vote.row === row && vote.subject === this.page?.subject));
    if (votes.length === this.votes.length) return null;
    this.votes = votes;
    return { type: 'vote', votes };
  }

  /** What to ask for the prompt as it will be sent; null where it is not known what goes into it. */
  render(): Extract<PromptPageRequest, { type: 'render' }> | null {
    const { page } = this;
    if (page?.mode !== 'try' || page.blocked !== null) return null;
    return { type: 'render', id: ++this.id, values: this.values() };
  }

  estimateRequest(): PromptPageRequest | null {
    const { page, rows } = this;
    if (page?.mode !== 'compare' || page.blocked !== null) return null;
    if (!page.columns.some(({ remote }) => remote !== null)) this.estimate = null;
    else if (rows.length > 0) return { type: 'estimate', id: ++this.id, rows };
    return null;
  }

  /** What to ask for answers: of all rows, or of one alone. */
  run(only?: string): PromptPageRequest | null {
    if (this.blocked !== null) return null;
    const rows =
      this.page?.mode === 'try'
        ? [{ id: TRIED, title: this.from, values: this.values() }]
        : this.rows.filter(({ id }) => only === undefined || id === only);
    const columns = this.columns.filter(({ problem }) => problem === null).map(({ id }) => id);
    // What was still being written makes way, and is not waited for.
    if (this.running) this.end('cancelled');
    this.running = true;
    this.failure = null;
    this.kept = null;
    this.unkept = null;
    this.asked = rows.flatMap(({ id }) => columns.map((column) => keyOf(id, column)));
    for (const { id, values } of rows) {
      for (const column of columns) this.cells.set(keyOf(id, column), newCell(values));
    }
    return { type: 'run', id: ++this.id, rows, columns };
  }

  /** Casts a vote on a row's answers in the place of an earlier one on the row, and gives what to keep. */
  vote(row: string, choice: string): Extract<PromptPageRequest, { type: 'vote' }> | null {
    const on = this.votedOn(row);
    if (on === null || !this.page) return null;
    const { subject } = this.page;
    const others = this.votes.filter((vote) => !(vote.row === row && vote.subject === subject));
    this.votes = [...others, { row, subject, on, choice }];
    return { type: 'vote', votes: this.votes };
  }

  /** The vote on a row's answers as they are shown; null where there is none, or one on others. */
  choice(row: string): string | null {
    const on = this.votedOn(row);
    const found = this.votes.find((vote) => vote.row === row && vote.subject === this.page?.subject && vote.on === on);
    return found?.choice ?? null;
  }

  /** What a vote on a row is about: its values and its answers. Null where these are not all there. */
  private votedOn(row: string): string | null {
    const cells = this.columns.map(({ id }) => [id, this.cell(row, id)] as const);
    if (!this.canVote(row) || cells.some(([, cell]) => cell?.end === null)) return null;
    const answers = cells.flatMap(([id, cell]) => (cell && !cell.failure ? [[id, cell.text, cell.labels]] : []));
    const values = this.rows.find(({ id }) => id === row)?.values ?? {};
    return fingerprint(JSON.stringify([values, answers.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))]));
  }

  /** Whether a row's answers are there to be voted on. */
  canVote(row: string): boolean {
    const answered = this.columns.filter(({ id }) => this.cell(row, id)?.end && !this.cell(row, id)!.failure);
    return answered.length > 1;
  }

  /**
   * Votes by column, and in how many rows no answer was the better one. Votes on what is compared count, also those on
   * rows that are not shown now (`elsewhere`); those on other models, on another text of the template, and on answers
   * that were written otherwise since do not (`stale`).
   */
  tally(): { columns: Tally[]; decided: number; ties: number; elsewhere: number; stale: number } {
    const own = this.votes.filter(({ subject }) => subject === this.page?.subject);
    const shown = own.filter(({ row }) => this.columns.some(({ id }) => this.cell(row, id) !== null));
    const counted = own.filter((vote) => !shown.includes(vote) || this.choice(vote.row) !== null);
    const cast = counted.map(({ choice }) => choice);
    const pending = own.filter(({ row }) => this.columns.some(({ id }) => this.cell(row, id)?.end === null));
    const counts = this.columns.map((column) => ({ column, votes: cast.filter((vote) => vote === column.id).length }));
    const decided = counts.reduce((sum, { votes }) => sum + votes, 0);
    return {
      columns: counts.map(({ column, votes }) => ({
        column,
        votes,
        share: decided > 0 ? wilson(votes, decided) : null,
      })),
      decided,
      ties: cast.filter((vote) => vote === TIE).length,
      elsewhere: counted.filter(({ row }) => !this.rows.some(({ id }) => id === row)).length,
      stale: this.votes.length - counted.length - pending.length,
    };
  }

  apply(message: PromptPageMessage): void {
    switch (message.type) {
      case 'snapshot':
        this.show(message);
        return;
      case 'rendered':
      case 'notRendered':
        // Typing is faster than rendering: the last one counts, and runs take ids of the same row.
        this.rendered = message.type === 'rendered' ? message : null;
        this.renderError = message.type === 'rendered' ? null : message.error;
        return;
      case 'estimated':
        this.estimate = message;
        return;
      case 'votes':
        this.votes = message.votes;
        return;
      case 'rows':
        if (this.page?.mode === 'compare') this.addRows(message.rows);
        else if (message.rows[0]) this.take(message.rows[0]);
        return;
      case 'kept':
        this.kept = message;
        this.unkept = null;
        return;
      case 'unkept':
        this.kept = null;
        this.unkept = message.file;
        return;
      case 'failed':
        this.failure = message;
        if (message.request === 'run') this.end('cancelled');
        return;
      case 'ended':
        if (message.id === this.lastRun) this.end('cancelled');
        return;
    }
    const { id, row, column } = message;
    const cell = this.cell(row, column);
    if (id !== this.lastRun || !cell) return;
    const set = (change: Partial<CellState>) =>
      this.cells.set(keyOf(row, column), { ...cell, waiting: null, ...change });
    switch (message.type) {
      case 'waiting':
        return void set({ waiting: message.message });
      case 'part':
        return void set({ text: cell.text + message.text });
      case 'answer': {
        const { text, tokens, ms, reason, notes, labels } = message;
        return void set({ text, notes, labels, end: { tokens, ms, reason } });
      }
      case 'cellFailed': {
        const { error, ways } = message;
        return void set({ failure: { error, ways }, end: { tokens: null, ms: 0, reason: 'cancelled' } });
      }
    }
  }

  /** Tells which request the answers to come are for. */
  sent(request: PromptPageRequest): void {
    if (request.type === 'run') this.lastRun = request.id;
  }

  private show(snapshot: PromptSnapshot): void {
    const before = this.page;
    this.page = snapshot;
    if (this.failure?.request === 'ready') this.failure = null;
    const { restored } = this;
    this.restored = null;
    if (before) {
      // Variables that are new have their sample's value; what was typed stays.
      for (const { name, kind } of snapshot.variables) this.texts[name] ??= textOf(snapshot.sample[name], kind);
    } else if (restored?.template === snapshot.template && restored.mode === snapshot.mode) {
      this.texts = Object.fromEntries(
        snapshot.variables.map(({ name, kind }) => [name, restored.texts[name] ?? textOf(snapshot.sample[name], kind)]),
      );
      this.from = restored.from;
      this.rows = restored.rows;
      this.cells = new Map(restored.cells);
      this.marks = restored.marks;
    } else {
      this.useSample();
      if (!snapshot.hasSample) this.from = '';
      if (snapshot.mode === 'compare' && snapshot.hasSample) this.addSampleRow();
    }
  }

  /** No more comes of the run. */
  private end(reason: FinishReason): void {
    this.running = false;
    for (const key of this.asked) {
      const cell = this.cells.get(key);
      if (cell && cell.end === null)
        this.cells.set(key, { ...cell, waiting: null, end: { tokens: null, ms: 0, reason } });
    }
    this.asked = [];
  }

  keep(): Kept | null {
    const { page, texts, from, rows, marks } = this;
    if (!page) return this.restored;
    return { template: page.template, mode: page.mode, texts, from, rows, marks, cells: [...this.cells] };
  }

  /** Takes what the page kept; an answer that was being written is not written on. */
  restore(value: unknown): void {
    const kept = value as Partial<Kept> | null | undefined;
    if (typeof kept?.template !== 'string' || typeof kept.mode !== 'string') return;
    const strings = (record: unknown): Record<string, string> =>
      Object.fromEntries(Object.entries(record ?? {}).filter(([, text]) => typeof text === 'string'));
    this.restored = {
      ...{ template: kept.template, mode: kept.mode, texts: strings(kept.texts) },
      from: typeof kept.from === 'string' ? kept.from : '',
      marks: kept.marks !== false,
      rows: Array.isArray(kept.rows)
        ? kept.rows.filter(
            (row) => typeof row?.id === 'string' && typeof row.values === 'object' && row.values !== null,
          )
        : [],
      cells: Array.isArray(kept.cells)
        ? kept.cells.filter((entry) => Array.isArray(entry) && typeof entry[1]?.text === 'string').map(restoredCell)
        : [],
    };
  }
}

const newCell = (values: PromptValues | null): CellState => ({
  ...{ values, text: '', end: null, waiting: null, notes: [], labels: [], failure: null },
});

const restoredCell = ([key, cell]: [string, CellState]): [string, CellState] => [
  key,
  {
    ...newCell(null),
    ...cell,
    waiting: null,
    end: cell.end ?? { tokens: null, ms: 0, reason: 'cancelled' },
  },
];

/** A value as it is typed. */
function textOf(value: unknown, kind: PromptVariable['kind']): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  return kind === 'array' || kind === 'object'
    ? JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ')
    : JSON.stringify(value);
}
