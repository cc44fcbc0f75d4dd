import { SingleBar } from 'cli-progress';

/** A bar for work of known size; silent where nobody looks. */
export class ProgressLine {
  readonly #bar: SingleBar | null;
  #started = false;

  constructor(what: string) {
    this.#bar = process.stderr.isTTY
      ? new SingleBar({
          format: `${what} {bar} {percentage}%  {value}/{total}  {eta_formatted} left`,
          barCompleteChar: '━',
          barIncompleteChar: '─',
          barsize: 24,
          hideCursor: true,
          clearOnComplete: true,
          gracefulExit: false,
          stream: process.stderr,
        })
      : null;
  }

  update(done: number, total: number): void {
    if (this.#bar === null) return;
    if (!this.#started) this.#bar.start(total, done);
    this.#started = true;
    this.#bar.update(done);
  }

  close(): void {
    if (this.#started) this.#bar?.stop();
  }
}
