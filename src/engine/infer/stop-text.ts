/**
 * Text as it is written, until one of some texts stands in it: what may be the beginning of one is held back until it
 * is known, so nothing that was given out is ever taken back. A stop text may lie across several parts.
 */
export class StopText {
  readonly #stops: readonly string[];
  #held = '';
  isStopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** What of the text so far may be shown, beyond what was given before. */
  push(part: string): string {
    if (this.isStopped) return '';
    const text = this.#held + part;
    const found = this.#stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.isStopped = true;
      this.#held = '';
      return text.slice(
        0,
        found.reduce((a, b) => Math.min(a, b)),
      );
    }
    let keep = 0;
    for (const stop of this.#stops)
      for (let length = Math.min(stop.length - 1, text.length); length > keep; length--)
        if (text.endsWith(stop.slice(0, length))) keep = length;
    this.#held = text.slice(text.length - keep);
    return text.slice(0, text.length - keep);
  }

  /** What was held back, when nothing more comes. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }
}
