import { logSoftmax } from './logits.ts';

const { fround } = Math;
/** What transformers adds to a score that must not win. */
const NEVER = fround(-1e9);

interface Beam {
  ids: readonly number[];
  score: number;
}

interface Finished extends Beam {
  isFinished: boolean;
}

interface BeamOptions {
  beams: number;
  /** New tokens at most. */
  most: number;
  /** End tokens, of which there may be several. */
  ends: ReadonlySet<number>;
  /** Applied to log probabilities, as transformers does. */
  process: (ids: readonly number[], scores: Float32Array) => void;
  /** Whether new tokens hold a stop text. */
  isStopped: (ids: readonly number[]) => boolean;
}

/**
 * Beam search as transformers has it since 4.50 (generation/utils.py, `_beam_search`), with length_penalty 1 and
 * early_stopping false: beams that ended stay beside those that go on, and the search ends when none of these can
 * become better than the worst of those, by the score of each token on average.
 */
export class BeamSearch {
  readonly #prompt: readonly number[];
  readonly #options: BeamOptions;
  #running: Beam[];
  #finished: Finished[];
  #isOpen = true;
  /** New tokens of each beam. */
  #length = 0;
  /** For each beam that goes on the number of the one that it continues. */
  parents: number[] = [];

  constructor(prompt: readonly number[], options: BeamOptions) {
    this.#prompt = prompt;
    this.#options = options;
    const nothing = (score: number) => Array.from({ length: options.beams }, () => ({ ids: [] as number[], score }));
    this.#running = nothing(NEVER);
    this.#running[0]!.score = 0;
    this.#finished = nothing(NEVER).map((beam) => ({ ...beam, isFinished: false }));
  }

  /** The last token of each beam that goes on. */
  get lastTokens(): number[] {
    return this.#running.map(({ ids }) => ids.at(-1)!);
  }

  /** The best answer that ended. */
  get best(): Beam {
    return this.#finished[0]!;
  }

  /** The best answer that there is if nothing more is searched, whether it has ended or not. */
  get bestSoFar(): Beam {
    const [going] = this.#running;
    return this.best.score >= fround(going!.score / Math.max(1, this.#length)) ? this.best : going!;
  }

  /**
   * @param logits of each beam's next token
   * @returns whether the search goes on
   */
  advance(logits: readonly Float32Array[]): boolean {
    const { beams, most, ends, process, isStopped } = this.#options;
    const scores = logits.map((row, beam) => {
      const scores = logSoftmax(row);
      const { ids, score } = this.#running[beam]!;
      process([...this.#prompt, ...ids], scores);
      return scores.map((value) => value + score);
    });
    const candidates = largestOf(scores, Math.max(2, 1 + ends.size) * beams).map(({ beam, token, score }) => {
      const ids = [...this.#running[beam]!.ids, token];
      return { beam, ids, score, hits: ends.has(token) || ids.length >= most || isStopped(ids) };
    });
    this.#length++;
    const next = best(
      candidates.map((each) => ({ ...each, score: each.hits ? fround(each.score + NEVER) : each.score })),
      beams,
    );
    this.#running = next;
    this.parents = next.map(({ beam }) => beam);
    const ended = candidates.map(({ ids, score, hits }, i): Finished => {
      const isFinished = hits && i < beams;
      const average = fround(score / this.#length);
      const allowed = this.#isOpen ? average : fround(average + NEVER);
      return { ids, score: isFinished ? allowed : fround(allowed + NEVER), isFinished };
    });
    this.#finished = best([...this.#finished, ...ended], beams);
    const possible = fround(this.#running[0]!.score / this.#length);
    const worst = this.#finished.at(-1)!.score;
    this.#isOpen &&= this.#finished.some(({ isFinished }) => possible > (isFinished ? worst : NEVER));
    return this.#isOpen && !candidates.every(({ hits }) => hits);
  }
}

/** The `count` with the highest scores, earlier ones first where they are equal. */
const best = <T extends { score: number }>(items: readonly T[], count: number): T[] =>
  items
    .map((item, i) => ({ item, i }))
    .sort((a, b) => b.item.score - a.item.score || a.i - b.i)
    .slice(0, count)
    .map(({ item }) => item);

/** The highest of all beams' scores. */
function largestOf(scores: readonly Float32Array[], count: number): { beam: number; token: number; score: number }[] {
  let found: { beam: number; token: number; score: number }[] = [];
  let least = -Infinity;
  for (const [beam, row] of scores.entries())
    for (let token = 0; token < row.length; token++) {
      const score = row[token]!;
      if (found.length >= count && score <= least) continue;
      found.push({ beam, token, score });
      if (found.length < 2 * count) continue;
      found = best(found, count);
      least = found.at(-1)!.score;
    }
  return best(found, count);
}
