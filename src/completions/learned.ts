import { MASK, maskSecrets } from './secrets.ts';

/** What became of a suggestion of which a person keeps what stands there. */
export const LEARNED_OUTCOMES = ['accepted', 'partly', 'rejected'] as const;
export type LearnedOutcome = (typeof LEARNED_OUTCOMES)[number];

/**
 * A suggestion that was shown, and what stands in its place: a row of `learned.jsonl`. Prompt and completion have the
 * names by which such rows are recognised as a dataset. Secrets are masked in all of it.
 */
export interface LearnedCompletion {
  id: string;
  /** ISO 8601. */
  at: string;
  outcome: LearnedOutcome;
  /** It was accepted, and does not stand there as it was put in. */
  edited: boolean;
  language: string;
  model: string;
  /** Of the file, as a person would write it; absent for a document without one. */
  file?: string;
  /** The text in front of it. */
  prompt: string;
  suggestion: string;
  /** What stands in its place, to the end of the line. */
  completion: string;
  /** The text behind it. */
  after: string;
}

/** Accepted on so many lines, completions can be learnt from: with fewer, too few could be held out. */
export const FEWEST_ACCEPTED = 20;

/** How much is kept: bytes of all rows, and UTF-16 units of the parts of one. */
export const LEARNED_LIMITS = { bytes: 4 << 20, before: 2000, after: 500, completion: 1000 } as const;

/**
 * A row as it may be kept: its secrets masked, its texts cut. Null where there is nothing to learn: no text stands there,
 * or what stands there or was suggested is a secret or a part of one.
 * @param row with the text around it as it is, so that secrets are known by what stands in front of them
 */
export function learnable(row: LearnedCompletion): LearnedCompletion | null {
  const { prompt, suggestion, completion, after } = row;
  if (completion.trim() === '' || completion.length > LEARNED_LIMITS.completion) return null;
  const [before, own, behind] = maskedParts([prompt, completion, after]);
  const [, suggested] = maskedParts([prompt, suggestion]);
  if (own === null || suggested === null || completion.includes(MASK)) return null;
  const file = row.file === undefined ? undefined : maskSecrets(row.file).text;
  return {
    ...row,
    ...(file !== undefined && { file }),
    prompt: lastOf(before!, LEARNED_LIMITS.before),
    after: firstOf(behind!, LEARNED_LIMITS.after),
  };
}

/** Texts that stand one after another, each with its secrets masked; null for one that must not change. */
function maskedParts(parts: readonly string[]): (string | null)[] {
  const { masked } = maskSecrets(parts.join(''));
  let from = 0;
  return parts.map((part, i) => {
    const [start, end] = [from, from + part.length];
    from = end;
    const inside = masked.filter((secret) => secret.start < end && secret.end > start);
    // What was suggested or stands there is the second part.
    if (i === 1 && inside.length > 0) return null;
    let text = '';
    let at = start;
    for (const secret of inside) {
      text += part.slice(at - start, Math.max(at, secret.start) - start) + MASK;
      at = Math.min(end, secret.end);
    }
    return text + part.slice(at - start);
  });
}

/** The end of a text, from the beginning of a line on where there is one. */
function lastOf(text: string, length: number): string {
  if (text.length <= length) return text;
  const cut = whole(text.slice(-length));
  const line = cut.indexOf('\n');
  return line < 0 || line > length / 2 ? cut : cut.slice(line + 1);
}

const firstOf = (text: string, length: number): string => {
  const cut = text.slice(0, length);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
};

/** Without the second half of a character that was cut in two. */
const whole = (text: string): string => (/^[\udc00-\udfff]/.test(text) ? text.slice(1) : text);

/** Rows of the file, and the numbers of the lines (from 1) that are none. Empty lines are nothing. */
export function parseLearned(text: string): { rows: LearnedCompletion[]; broken: number[] } {
  const rows: LearnedCompletion[] = [];
  const broken: number[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const row = learnedOf(line);
    if (row) rows.push(row);
    else broken.push(i + 1);
  }
  return { rows, broken };
}

const TEXTS = ['id', 'at', 'language', 'model', 'prompt', 'suggestion', 'completion', 'after'] as const;

/** What a line of the file says; null for one that is torn or says something else. */
export function learnedOf(line: string): LearnedCompletion | null {
  let value: Partial<Record<keyof LearnedCompletion, unknown>> | null;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const isRow =
    TEXTS.every((key) => typeof value[key] === 'string') &&
    (LEARNED_OUTCOMES as readonly unknown[]).includes(value.outcome) &&
    typeof value.edited === 'boolean' &&
    (value.file === undefined || typeof value.file === 'string');
  return isRow ? (value as unknown as LearnedCompletion) : null;
}

export const lineOf = (row: LearnedCompletion): string => `${JSON.stringify(row)}\n`;

/** Of a full file so much is left, so that not every further row writes it anew. */
const LEFT = 0.9;

/**
 * Lines of the file that stay where there are too many: the newest. What was rejected goes first, being kept of most
 * lines that somebody writes.
 * @returns the lines in their order
 */
export function withinLimits(lines: readonly string[], bytes: number = LEARNED_LIMITS.bytes): string[] {
  const sizes = lines.map((line) => bytesOf(line) + 1);
  let size = sizes.reduce((sum, one) => sum + one, 0);
  if (size <= bytes) return [...lines];
  const gone = new Set<number>();
  const drop = (isNext: (line: string) => boolean) => {
    for (let i = 0; i < lines.length && size > LEFT * bytes; i++) {
      if (gone.has(i) || !isNext(lines[i]!)) continue;
      gone.add(i);
      size -= sizes[i]!;
    }
  };
  drop((line) => learnedOf(line)?.outcome === 'rejected');
  drop(() => true);
  return lines.filter((_, i) => !gone.has(i));
}

/** In UTF-8. */
function bytesOf(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Each half of a pair counts for two of its four.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
  }
  return bytes;
}
