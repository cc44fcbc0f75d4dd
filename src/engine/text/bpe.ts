import { type Part, PartError } from './part.ts';
import { byteIds, bytePieces, type Model, type Pieces, type Vocabulary } from './word-models.ts';

interface Merge {
  rank: number;
  id: number;
}

/** A symbol of a word that is being merged; `end` is 0 … when it has been merged into the one before it. */
interface Symbols {
  ids: number[];
  starts: number[];
  ends: number[];
}

/**
 * Byte-pair encoding: the pair that was learnt first is merged first. tokenizers, models/bpe/model.rs and word.rs.
 */
export class BpeModel implements Model {
  readonly vocabulary: Vocabulary;
  readonly unknownId: number | null;
  readonly #merges = new Map<number, Merge>();
  readonly #size: number;
  readonly #prefix: string;
  readonly #suffix: string;
  readonly #fuseUnknown: boolean;
  readonly #ignoreMerges: boolean;
  readonly #bytes: readonly (number | undefined)[] | null;

  constructor(part: Part, vocabulary: Vocabulary) {
    this.vocabulary = vocabulary;
    const unknown = part.optional('unk_token', (key) => part.string(key));
    this.unknownId = unknown === null ? null : (vocabulary.get(unknown) ?? null);
    if (unknown !== null && this.unknownId === null)
      throw new PartError(`key "model.unk_token" is ${JSON.stringify(unknown)}, which "model.vocab" lacks`);
    this.#prefix = part.optional('continuing_subword_prefix', (key) => part.string(key)) ?? '';
    this.#suffix = part.optional('end_of_word_suffix', (key) => part.string(key)) ?? '';
    this.#fuseUnknown = part.boolean('fuse_unk', false);
    this.#ignoreMerges = part.boolean('ignore_merges', false);
    this.#bytes = part.boolean('byte_fallback', false) ? bytePieces(vocabulary) : null;
    let size = 0;
    for (const id of vocabulary.values()) size = Math.max(size, id + 1);
    this.#size = size;
    this.#readMerges(part);
  }

  #readMerges(part: Part): void {
    const merges = part.value('merges');
    if (!Array.isArray(merges)) throw part.wrong('merges', 'must be a list');
    merges.forEach((merge: unknown, rank) => {
      const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
      if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string' || typeof pair[1] !== 'string')
        throw new PartError(`key "model.merges[${rank}]" must be two pieces`);
      const [left, right] = pair as [string, string];
      const merged = left + right.slice(this.#prefix.length);
      const lacking = [left, right, merged].find((piece) => !this.vocabulary.has(piece));
      if (lacking !== undefined)
        throw new PartError(
          `key "model.merges[${rank}]" needs the piece ${JSON.stringify(lacking)}, which "model.vocab" lacks`,
        );
      const key = this.#key(this.vocabulary.get(left)!, this.vocabulary.get(right)!);
      this.#merges.set(key, { rank, id: this.vocabulary.get(merged)! });
    });
  }

  #key(left: number, right: number): number {
    return left * this.#size + right;
  }

  pieces(word: string): Pieces {
    if (this.#ignoreMerges) {
      const id = this.vocabulary.get(word);
      if (id !== undefined) return { ids: [id], starts: [0], ends: [word.length] };
    }
    return this.#merged(this.#symbols(word));
  }

  /** The word's characters: a piece each, its bytes' pieces, or unknown. */
  #symbols(word: string): Symbols {
    const symbols: Symbols = { ids: [], starts: [], ends: [] };
    const add = (id: number, start: number, end: number): void => {
      symbols.ids.push(id);
      symbols.starts.push(start);
      symbols.ends.push(end);
    };
    let at = 0;
    let afterUnknown = false;
    for (const character of word) {
      const start = at;
      at += character.length;
      const text = `${start > 0 ? this.#prefix : ''}${character}${at === word.length ? this.#suffix : ''}`;
      const id = this.vocabulary.get(text);
      const ids = id !== undefined ? [id] : this.#bytes && byteIds(text, this.#bytes);
      if (ids) for (const each of ids) add(each, start, at);
      else if (this.unknownId !== null) {
        if (afterUnknown && this.#fuseUnknown) symbols.ends[symbols.ends.length - 1] = at;
        else add(this.unknownId, start, at);
      }
      afterUnknown = !ids;
    }
    return symbols;
  }

  /** Merges pairs of neighbours, the lowest rank first and of equal ones the first in the word. */
  #merged({ ids, starts, ends }: Symbols): Pieces {
    const count = ids.length;
    if (count < 2) return { ids, starts, ends };
    const next = Int32Array.from(ids, (_, i) => (i + 1 < count ? i + 1 : -1));
    const previous = Int32Array.from(ids, (_, i) => i - 1);
    const gone = new Uint8Array(count);
    const queue = new MergeQueue();
    const offer = (left: number): void => {
      const right = next[left]!;
      const merge = right < 0 ? undefined : this.#merges.get(this.#key(ids[left]!, ids[right]!));
      if (merge) queue.push(merge.rank, left, merge.id);
    };
    for (let i = 0; i + 1 < count; i++) offer(i);
    for (let top = queue.pop(); top !== null; top = queue.pop()) {
      const left = top.position;
      const right = next[left]!;
      // The entry may be of a pair that has been merged since.
      if (gone[left] || right < 0 || this.#merges.get(this.#key(ids[left]!, ids[right]!))?.id !== top.id) continue;
      ids[left] = top.id;
      ends[left] = ends[right]!;
      gone[right] = 1;
      const after = next[right]!;
      next[left] = after;
      if (after >= 0) previous[after] = left;
      if (previous[left]! >= 0) offer(previous[left]!);
      offer(left);
    }
    const kept = (_: unknown, i: number): boolean => gone[i] === 0;
    return { ids: ids.filter(kept), starts: starts.filter(kept), ends: ends.filter(kept) };
  }
}

interface QueuedMerge {
  rank: number;
  position: number;
  id: number;
}

/** A binary heap: lowest rank first, then first position. */
class MergeQueue {
  readonly #heap: QueuedMerge[] = [];

  push(rank: number, position: number, id: number): void {
    const heap = this.#heap;
    const entry = { rank, position, id };
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  pop(): QueuedMerge | null {
    const heap = this.#heap;
    const top = heap[0];
    if (top === undefined) return null;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

const before = (a: QueuedMerge, b: QueuedMerge): boolean =>
  a.rank < b.rank || (a.rank === b.rank && a.position < b.position);
