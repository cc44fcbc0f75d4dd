/** Of requests to the same thing, only the newest is still wanted: each cancels the one before it. */
export class Newest {
  readonly #running = new Map<string, AbortController>();

  /** @param work gets a signal for both: its own asker no longer wants it, or something newer was asked */
  async run<T>(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#running.get(key)?.abort();
    const own = new AbortController();
    this.#running.set(key, own);
    const cancel = () => own.abort();
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await work(own.signal);
    } finally {
      signal.removeEventListener('abort', cancel);
      if (this.#running.get(key) === own) this.#running.delete(key);
    }
  }
}
