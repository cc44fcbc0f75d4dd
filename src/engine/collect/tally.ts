import { LEFT_OUT, type LeftOut, type LeftOutReason } from '../../protocol/index.ts';

const EXAMPLES = 3;

/** Counts what is left out, by reason, with a few of each. */
export class Tally {
  readonly #found = new Map<LeftOutReason, LeftOut>();

  file(reason: LeftOutReason, path: string): void {
    this.#of(reason, path).files++;
  }

  folder(reason: LeftOutReason, path: string): void {
    this.#of(reason, `${path}/`).folders++;
  }

  /** In the order in which it is asked. */
  list(): LeftOut[] {
    const order = Object.keys(LEFT_OUT) as LeftOutReason[];
    return order.flatMap((reason) => this.#found.get(reason) ?? []);
  }

  #of(reason: LeftOutReason, path: string): LeftOut {
    const one = this.#found.get(reason) ?? { reason, files: 0, folders: 0, examples: [] };
    this.#found.set(reason, one);
    if (one.examples.length < EXAMPLES) one.examples.push(path);
    return one;
  }
}
