/**
 * What becomes of suggestions, found out by what VS Code's stable API tells: a command once all of one is accepted, the
 * changes of the document, and where the cursor is. Needs no vscode.
 */

/** A suggestion that VS Code was given. */
export interface Offered {
  id: number;
  /** The document. */
  uri: string;
  language: string;
  model: string;
  /** Of the file, as a person would write it; absent where there is none. */
  path?: string;
  /** Where it begins, in UTF-16 units from the document's start. */
  offset: number;
  /** As it is put in, without what the list of suggestions has selected. */
  text: string;
  /** Whether it is put in together with the list's selected entry. */
  isLed: boolean;
  /** The text around it: for who may keep texts. */
  before: string;
  after: string;
}

/** A change of a document, in UTF-16 units. */
export interface Change {
  offset: number;
  removed: number;
  text: string;
}

export type Outcome =
  /** All of it, at once or word by word. */
  | 'accepted'
  /** Some words of it were taken, and then something else was written. */
  | 'partly'
  | 'rejected';

export interface Ended {
  suggestion: Offered;
  outcome: Outcome;
  /** UTF-16 units of it that were put in rather than typed. */
  characters: number;
  /** Where it begins now, in UTF-16 units from the document's start, and what of it stands there. */
  offset: number;
  written: string;
}

export interface TrackerEvents {
  shown(suggestion: Offered): void;
  ended(ended: Ended): void;
  /** Somebody has changed what was accepted shortly before, which reads `text` now. */
  edited(suggestion: Offered, text: string): void;
}

/** So long a suggestion stands before a person can have seen it. */
export const SEEN_MS = 250;
/** A text that is changed within this time after its acceptance counts as edited. */
export const KEPT_MS = 60_000;

interface Pending {
  /** Candidates that fit what was typed so far, the one on screen first. */
  options: Offered[];
  /** Those of earlier answers that these are the rest of, too. */
  ids: Set<number>;
  since: number;
  isShown: boolean;
  /** Where it begins now. */
  offset: number;
  /** How much of it stands in the document, how much of that was put in, and how much by the last change. */
  done: number;
  putIn: number;
  last: number;
  /** Something else was written: it is over unless the command of its acceptance follows. */
  isOver: boolean;
  /** Where a text that was put in by that change stands. */
  writtenTo: number;
}

interface Kept {
  suggestion: Offered;
  start: number;
  text: string;
  until: number;
}

export class Tracker {
  private pending: Pending | null = null;
  private kept: Kept[] = [];
  private readonly events: TrackerEvents;
  private readonly now: () => number;

  constructor(events: TrackerEvents, now: () => number = () => performance.now()) {
    this.events = events;
    this.now = now;
  }

  /** VS Code was given candidates for where the cursor is. The rest of what stands there already stays that. */
  offered(candidates: readonly Offered[]): void {
    const [first] = candidates;
    if (!first) return;
    const { pending } = this;
    if (pending && !pending.isOver && isRest(pending, first)) {
      for (const { id } of candidates) pending.ids.add(id);
      return;
    }
    this.close();
    this.pending = {
      options: [...candidates],
      ids: new Set(candidates.map(({ id }) => id)),
      since: this.now(),
      isShown: false,
      offset: first.offset,
      done: 0,
      putIn: 0,
      last: 0,
      isOver: false,
      writtenTo: 0,
    };
  }

  /** All that was left of a candidate was put in at once. The change of the document may have been heard of before. */
  accepted(id: number): void {
    const { pending } = this;
    if (!pending?.ids.has(id)) return;
    const chosen = pending.options.find((option) => option.id === id) ?? pending.options[0]!;
    this.see(pending);
    if (pending.isOver) {
      pending.offset = Math.max(0, pending.writtenTo - chosen.text.length);
      this.end(pending, chosen, 'accepted', chosen.text.length);
      return;
    }
    const rest = chosen.text.length - pending.done;
    this.end(pending, chosen, 'accepted', pending.putIn + rest || pending.last);
  }

  /** A document was changed. */
  changed(uri: string, changes: readonly Change[]): void {
    this.follow(uri, changes);
    const { pending } = this;
    if (!pending || pending.options[0]!.uri !== uri || changes.length === 0) return;
    if (pending.isOver) {
      this.close();
      return;
    }
    const at = pending.offset + pending.done;
    const own = changes.find(({ offset }) => offset === at) ?? changes.at(-1)!;
    const fitting = pending.options.filter(
      ({ text, isLed }) => !isLed && own.text !== '' && text.startsWith(own.text, pending.done),
    );
    if (own.offset !== at || own.removed > 0 || fitting.length === 0) {
      this.glance(pending);
      pending.isOver = true;
      pending.writtenTo = own.offset + own.text.length;
      return;
    }
    // With several cursors the others' changes move the place.
    for (const { offset, removed, text } of changes) if (offset < at) pending.offset += text.length - removed;
    pending.options = fitting;
    pending.done += own.text.length;
    pending.last = own.text.length;
    // A key makes one character; more at once were taken from the suggestion.
    if ([...own.text].length > 1) {
      this.see(pending);
      pending.putIn += own.text.length;
    }
    const whole = fitting.find(({ text }) => text.length === pending.done);
    if (!whole || fitting.length > 1) return;
    // Its last character may have been typed or accepted: the command tells.
    if (pending.putIn > 0) this.end(pending, whole, 'accepted', pending.putIn);
    else {
      this.glance(pending);
      pending.isOver = true;
      pending.writtenTo = own.offset + own.text.length;
    }
  }

  /** Whether a suggestion is on screen, as far as is known. */
  get isWaiting(): boolean {
    return this.pending !== null;
  }

  /** Where the cursor is now. */
  moved(uri: string, offset: number): void {
    const { pending } = this;
    if (!pending || pending.isOver) return;
    if (pending.options[0]!.uri !== uri || offset !== pending.offset + pending.done) this.close();
  }

  /** What is on screen is gone. */
  close(): void {
    const { pending } = this;
    if (!pending) return;
    if (!pending.isOver) this.glance(pending);
    this.end(pending, pending.options[0]!, pending.putIn > 0 ? 'partly' : 'rejected', pending.putIn);
  }

  /** It has been seen, if it stood there long enough: a key that comes right after an answer hides it at once. */
  private glance(pending: Pending): void {
    if (this.now() - pending.since >= SEEN_MS) this.see(pending);
  }

  private see(pending: Pending): void {
    if (pending.isShown) return;
    pending.isShown = true;
    this.events.shown(pending.options[0]!);
  }

  private end(pending: Pending, suggestion: Offered, outcome: Outcome, characters: number): void {
    this.pending = null;
    if (!pending.isShown) return;
    const text = outcome === 'accepted' ? suggestion.text : suggestion.text.slice(0, pending.done);
    this.events.ended({ suggestion, outcome, characters, offset: pending.offset, written: text });
    if (outcome === 'rejected') return;
    this.kept.push({ suggestion, start: pending.offset, text, until: this.now() + KEPT_MS });
  }

  /** Keeps up with where accepted texts are, and tells once of one that is changed. */
  private follow(uri: string, changes: readonly Change[]): void {
    const now = this.now();
    this.kept = this.kept.filter((kept) => {
      if (kept.until <= now) return false;
      if (kept.suggestion.uri !== uri) return true;
      const before = kept.text;
      // From the document's end on, so that one change does not move the places of the next.
      for (const change of [...changes].sort((a, b) => b.offset - a.offset)) shift(kept, change);
      if (kept.text === before) return true;
      this.events.edited(kept.suggestion, kept.text);
      return false;
    });
  }
}

function shift(kept: Kept, { offset, removed, text }: Change): void {
  const end = kept.start + kept.text.length;
  // What is written behind it is no change of it, nor what is written in front.
  if (offset >= end) return;
  if (offset + removed <= kept.start) {
    kept.start += text.length - removed;
    return;
  }
  const from = Math.max(0, offset - kept.start);
  const to = Math.min(kept.text.length, offset + removed - kept.start);
  kept.text = kept.text.slice(0, from) + text + kept.text.slice(to);
  if (offset < kept.start) kept.start = offset;
}

/** Whether a suggestion is what is left of the one on screen after somebody has typed along it. */
function isRest({ options, offset, done }: Pending, next: Offered): boolean {
  const { uri, model, text } = options[0]!;
  return uri === next.uri && model === next.model && offset + done === next.offset && text.slice(done) === next.text;
}
