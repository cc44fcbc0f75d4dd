import type { DataPreview, RowLengths } from '../../protocol/data.ts';
import type {
  DatasetMessage,
  DatasetRequest,
  DatasetRow,
  DatasetSnapshot,
  DatasetState,
} from '../../protocol/dataset-page.ts';
import { parseDatasetState } from '../../protocol/dataset-page.ts';
import { taskOf } from '../../protocol/tasks.ts';

/** Rows on a page: as many as a person scrolls through, and few enough to draw at once. */
export const PAGE = 100;

/** What Inspect Dataset shows. `apply` takes what the host says, `request` gives what to ask it; no DOM in here. */
export class DatasetPageStore {
  snapshot: DatasetSnapshot | null = null;
  rows: DatasetRow[] = [];
  total = 0;
  lengths: RowLengths | null = null;
  search = '';
  label: string | null = null;
  offset = 0;
  /** What would be learnt of the first rows, or why that cannot be said; null before either is known. */
  preview: { preview: DataPreview | null; problem: string | null } | null = null;
  failure: Extract<DatasetMessage, { type: 'failed' }> | null = null;
  #path: string | null = null;
  #asked = 0;
  #answered = 0;

  get waiting(): boolean {
    return this.#asked !== this.#answered;
  }

  get isFiltered(): boolean {
    return this.search.trim() !== '' || this.label !== null;
  }

  /** 1-based places of the first and last row that are shown. */
  get range(): { first: number; last: number } {
    return { first: this.rows.length === 0 ? 0 : this.offset + 1, last: this.offset + this.rows.length };
  }

  get hasNext(): boolean {
    return this.offset + PAGE < this.total;
  }

  /** Another filter begins on its first page. */
  filter(change: { search?: string; label?: string | null }): void {
    if (change.search !== undefined) this.search = change.search;
    if (change.label !== undefined) this.label = change.label;
    this.offset = 0;
  }

  turn(by: 1 | -1): void {
    const last = Math.max(0, Math.ceil(this.total / PAGE) - 1) * PAGE;
    this.offset = Math.max(0, Math.min(last, this.offset + by * PAGE));
  }

  /** The request for what is to be shown; null where no rows can be listed. An answer to an earlier one is dropped. */
  request(): Extract<DatasetRequest, { type: 'rows' }> | null {
    if (!this.snapshot?.readable) return null;
    const { offset, label } = this;
    return { type: 'rows', id: ++this.#asked, offset, limit: PAGE, search: this.search.trim(), label };
  }

  /** The request for what a model that writes would learn; null for other tasks, and where no rows can be listed. */
  previewRequest(): Extract<DatasetRequest, { type: 'preview' }> | null {
    const { snapshot } = this;
    return snapshot?.readable && taskOf(snapshot.summary.task).writes ? { type: 'preview', choose: false } : null;
  }

  apply(message: DatasetMessage): void {
    switch (message.type) {
      case 'snapshot': {
        const { type: _, ...snapshot } = message;
        this.snapshot = snapshot;
        this.#path = snapshot.path;
        this.failure = null;
        // A class that is no longer there would leave an empty page without a word.
        if (this.label !== null && !snapshot.summary.classes.some(({ label }) => label === this.label))
          this.label = null;
        return;
      }
      case 'rows':
        if (message.id !== this.#asked) return;
        this.#answered = message.id;
        this.failure = null;
        this.rows = message.rows;
        this.total = message.total;
        this.offset = message.offset;
        this.lengths = message.lengths;
        return;
      case 'preview':
        this.preview = { preview: message.preview, problem: message.problem };
        return;
      case 'failed':
        if (message.id !== null && message.id !== this.#asked) return;
        if (message.id !== null) this.#answered = message.id;
        this.failure = message;
        return;
    }
  }

  kept(): DatasetState | null {
    if (this.#path === null) return null;
    return { version: 1, path: this.#path, view: { search: this.search, label: this.label, offset: this.offset } };
  }

  restore(value: unknown): void {
    const parsed = parseDatasetState(value);
    if (!parsed.ok) return;
    const { path, view } = parsed.message;
    this.#path = path;
    this.search = view.search;
    this.label = view.label;
    this.offset = view.offset;
  }
}
