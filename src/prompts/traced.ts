import type { Range } from './prompt-file.ts';

/** Where a text is from: the template itself, or a file that it takes in. */
export interface Origin {
  /** As the template names it; null for the template. */
  file: string | null;
  range: Range;
}

interface Piece {
  /** In the text that was made. */
  start: number;
  file: string | null;
  /** In the text that it is from; null for what stands in neither. */
  from: number | null;
}

/** A text that was put together, of which every place is known where it is from. */
export class Traced {
  text = '';
  readonly #pieces: Piece[] = [];

  /** @param from where it stands in the file; null for what stands for something else */
  add(text: string, file: string | null, from: number | null): void {
    if (text === '') return;
    this.#pieces.push({ start: this.text.length, file, from });
    this.text += text;
  }

  /** A part of another one. */
  take(other: Traced, { start, end }: Range): void {
    for (const [i, piece] of other.#pieces.entries()) {
      const next = other.#pieces[i + 1]?.start ?? other.text.length;
      const [first, last] = [Math.max(piece.start, start), Math.min(next, end)];
      if (first >= last) continue;
      this.add(
        other.text.slice(first, last),
        piece.file,
        piece.from === null ? null : piece.from + first - piece.start,
      );
    }
  }

  originOf({ start, end }: Range): Origin | null {
    const piece = this.#pieces.findLast((one) => one.start <= start);
    if (!piece || piece.from === null) return null;
    const from = piece.from + start - piece.start;
    return { file: piece.file, range: { start: from, end: from + end - start } };
  }
}
