/**
 * What stands where something was suggested, some time later. It needs no vscode: it hears of changes, and reads the
 * document in the end.
 */
import { lineAfter, lineBefore } from '../../completions/place.ts';
import type { Change, Ended, Offered, Outcome } from './tracker.ts';

/** What stands there so long after a suggestion has ended is what a person meant. */
export const SETTLED_MS = 60_000;
/** Places that are followed at once; beyond them the oldest settles early. */
const MOST = 50;
/** Of the text in front, what must still stand there for the place to be known. */
const TAIL = 40;
/** Read at most of what stands there. */
const MOST_READ = 4000;

export interface Settled {
  suggestion: Offered;
  outcome: Outcome;
  /** It was accepted, and does not stand there as it was put in. */
  edited: boolean;
  /** What stands there, to the end of the line, with line ends of one character. */
  text: string;
}

export interface SettlingSources {
  /** A document's text between two offsets in UTF-16 units; null when it is gone. */
  read(uri: string, from: number, to: number): string | null;
  settled(settled: Settled): void;
  now?: () => number;
}

interface Place {
  ended: Ended;
  start: number;
  end: number;
  until: number;
}

export class Settling {
  private places: Place[] = [];
  private readonly sources: SettlingSources;
  private readonly now: () => number;

  constructor(sources: SettlingSources) {
    this.sources = sources;
    this.now = sources.now ?? (() => performance.now());
  }

  /** Milliseconds until the next one is due; null while nothing is followed. */
  get next(): number | null {
    const [first] = this.places;
    return first ? Math.max(0, first.until - this.now()) : null;
  }

  began(ended: Ended): void {
    if (ended.outcome === 'rejected' && this.isKnownLine(ended)) return;
    const { offset, written } = ended;
    this.places.push({ ended, start: offset, end: offset + written.length, until: this.now() + SETTLED_MS });
    while (this.places.length > MOST) this.settle(this.places.shift()!);
  }

  changed(uri: string, changes: readonly Change[]): void {
    // From the document's end on, so that one change does not move the places of the next.
    const ordered = [...changes].sort((a, b) => b.offset - a.offset);
    for (const place of this.places)
      if (place.ended.suggestion.uri === uri) for (const change of ordered) shift(place, change);
  }

  /** Those that are due; all of a document that is being closed; all, to look at them. */
  due(): void {
    this.take(({ until }) => until <= this.now());
  }
  closed(uri: string): void {
    this.take(({ ended }) => ended.suggestion.uri === uri);
  }
  flush(): void {
    this.take(() => true);
  }
  /** Follows nothing any more. */
  forget(): void {
    this.places = [];
  }

  private take(which: (place: Place) => boolean): void {
    const all = this.places;
    this.places = all.filter((place) => !which(place));
    for (const place of all) if (which(place)) this.settle(place);
  }

  /** While a line is written, something is rejected at each word: the first place has the whole line. */
  private isKnownLine({ offset, suggestion }: Ended): boolean {
    return this.places.some(({ ended, start }) => {
      if (ended.outcome !== 'rejected' || ended.suggestion.uri !== suggestion.uri || start > offset) return false;
      const between = offset - start > MOST_READ ? null : this.sources.read(suggestion.uri, start, offset);
      return between !== null && !between.includes('\n');
    });
  }

  private settle({ ended: { suggestion, outcome }, start, end }: Place): void {
    const { read } = this.sources;
    const tail = lineBefore(suggestion).slice(-TAIL);
    // What was in front has changed, or the place was lost: nobody knows what belongs to the suggestion.
    if (start < tail.length || read(suggestion.uri, start - tail.length, start) !== tail) return;
    const behind = read(suggestion.uri, start, Math.max(start, end) + MOST_READ)?.replaceAll('\r\n', '\n');
    if (behind === undefined) return;
    const inPlace = read(suggestion.uri, start, Math.max(start, end))!.replaceAll('\r\n', '\n');
    const lineEnd = behind.indexOf('\n', inPlace.length);
    const line = lineEnd < 0 ? behind : behind.slice(0, lineEnd);
    const rest = lineAfter(suggestion);
    const trimmed = line.trimEnd();
    // What stood behind the cursor before, such as a bracket, is no part of it.
    const text = rest !== '' && trimmed.endsWith(rest) ? trimmed.slice(0, -rest.length) : trimmed;
    const asPutIn = suggestion.text.replaceAll('\r\n', '\n').trimEnd();
    const edited = outcome === 'accepted' && !text.startsWith(asPutIn);
    this.sources.settled({ suggestion, outcome, edited, text });
  }
}

function shift(place: Place, { offset, removed, text }: Change): void {
  const end = offset + removed;
  // What is written behind it on its line is read in the end.
  if (offset >= place.end) return;
  if (end <= place.start) {
    const by = text.length - removed;
    place.start += by;
    place.end += by;
    return;
  }
  place.start = Math.min(place.start, offset);
  place.end = offset + text.length + Math.max(0, place.end - end);
}
