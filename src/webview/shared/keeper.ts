import type { Host } from './host.ts';

/** What is being written is kept this often, for a page that is hidden before the answer ends. */
const KEEP_MS = 500;

/** Keeps a page's state: at once, or, while an answer grows token by token, now and then, since each time all of it is copied. */
export class Keeper {
  readonly #keep: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param state what is kept, asked for when it is */
  constructor(host: () => Pick<Host<never, never>, 'keep'>, state: () => unknown) {
    this.#keep = () => host().keep(state());
  }

  now(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#keep();
  }

  soon(): void {
    this.#timer ??= setTimeout(() => this.now(), KEEP_MS);
  }
}
