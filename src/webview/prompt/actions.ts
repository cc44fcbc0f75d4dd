import type { PromptPageRequest } from '../../protocol/prompt-page.ts';
import type { PromptStore } from './store.ts';

/** What the views of the page can do. */
export interface Actions {
  readonly store: PromptStore;
  /** Draws again, and keeps what outlives a reload. */
  changed(): void;
  /** The values or rows are others: what would be sent is asked for again. */
  edited(): void;
  readonly post: (request: PromptPageRequest) => void;
  /** All rows, or one. */
  run(row?: string): void;
}
