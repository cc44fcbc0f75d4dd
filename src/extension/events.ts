/** The least of an event source, so that logic needs no vscode to tell its listeners something. */
export class Emitter<T> {
  private readonly listeners = new Set<(value: T) => void>();

  /** Returns the way to stop listening. */
  on(listener: (value: T) => void): { dispose(): void } {
    this.listeners.add(listener);
    return { dispose: () => void this.listeners.delete(listener) };
  }

  fire(value: T): void {
    for (const listener of [...this.listeners]) listener(value);
  }

  dispose(): void {
    this.listeners.clear();
  }
}
