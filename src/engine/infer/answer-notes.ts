import { counted, type Note } from '../../protocol/index.ts';
import { places } from '../data/problems.ts';

/** What is to be said of many answers: each thing once, with how many it is said of and where these stand. */
export class AnswerNotes {
  readonly #places = new Map<string, number[]>();

  /** @param noun what is counted, and what a place is the number of; places are left out where that is null */
  constructor(
    private readonly noun: string,
    private readonly place: string | null,
  ) {}

  add(message: string, place: number): void {
    const known = this.#places.get(message);
    // What is said twice of one answer is said of one.
    if (known?.at(-1) === place) return;
    if (known) known.push(place);
    else this.#places.set(message, [place]);
  }

  tell(note: Note): void {
    for (const [message, at] of this.#places) {
      const where = this.place === null ? '' : ` (${places(at, at.length, this.place)})`;
      note('warning', `${counted(at.length, this.noun)}${where}: ${message}`);
    }
  }
}
