import type { Place } from '../../completions/place.ts';
import { type Shown, typedOn } from '../../completions/typed-on.ts';
import type { CompletionAnswer, CompletionRequest } from '../../protocol/index.ts';

/** Suggestions that are remembered: a few steps back and on again. */
const MOST = 16;

/** What was suggested lately, the newest first. */
export class Answers {
  #known: (Shown & { asked: string })[] = [];

  /** What is left of an earlier answer to the same question along which somebody has typed on, or to which they came back. */
  find(request: CompletionRequest, place: Place): CompletionAnswer | null {
    const asked = questionOf(request);
    for (const known of this.#known) {
      if (known.asked !== asked) continue;
      const items = typedOn(known, place);
      if (!items) continue;
      return { ...known.answer, items, stopped: items[0]!.stopped, ms: 0, prompt: 0, reused: 0, cached: true };
    }
    return null;
  }

  add(request: CompletionRequest, place: Place, answer: CompletionAnswer): void {
    // With more time there would be another.
    if (answer.items.length === 0 || answer.items.some(({ stopped }) => stopped === 'budget')) return;
    this.#known = [{ place, answer, asked: questionOf(request) }, ...this.#known].slice(0, MOST);
  }
}

/** What of a request beside its place its answer depends on. */
const questionOf = ({ candidates, maxTokens, extent, contextTokens }: CompletionRequest): string =>
  JSON.stringify([candidates, maxTokens, extent, contextTokens]);
