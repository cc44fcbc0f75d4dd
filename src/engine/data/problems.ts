import type { DataProblem, OtherLearning } from '../../protocol/index.ts';

interface Kind {
  severity: DataProblem['severity'];
  code: string;
  column?: string;
  /** Tells apart problems of one code and column that are to stay apart. */
  key?: string;
  other?: OtherLearning;
}

const RANK = { error: 0, warning: 1, info: 2 };

/** Errors first, then warnings, then notes. The encoding goes before all: what else looks wrong may follow from it. */
export function bySeverity(
  a: Pick<DataProblem, 'severity' | 'code'>,
  b: Pick<DataProblem, 'severity' | 'code'>,
): number {
  const rank = ({ severity, code }: typeof a) => (code === 'encoding-guessed' ? -1 : RANK[severity]);
  return rank(a) - rank(b);
}

const keyOf = ({ code, column = '', key = '' }: Kind) => `${code}\0${column}\0${key}`;

/** How many places a summary names before it says "and N more". */
const NAMED = 5;

/** Where something occurs: the first lines, and how often in all. */
export class Places {
  readonly lines: number[] = [];
  count = 0;

  add(line: number): void {
    if (this.count++ < NAMED) this.lines.push(line);
  }

  /** These and others, the first lines of both first. */
  and(others: Places): Places {
    const all = new Places();
    for (const line of [...this.lines, ...others.lines].sort((a, b) => a - b)) all.add(line);
    all.count = this.count + others.count;
    return all;
  }
}

/**
 * Gathers what is found in a file: a thing that occurs ten thousand times becomes one problem that names the
 * first few lines and counts the rest, so that neither memory nor a person is flooded.
 */
export class Problems {
  private readonly found = new Map<
    string,
    Kind & { lines: number[]; count: number; describe: (places: string, count: number) => string }
  >();

  /** One thing that has one place or none. */
  add(
    severity: DataProblem['severity'],
    code: string,
    message: string,
    at: { line?: number; column?: string; other?: OtherLearning } = {},
  ) {
    const { line, ...rest } = at;
    this.record(`${code}\0${message}`, { severity, code, ...rest }, () => message, line);
  }

  /**
   * One more occurrence of something that can occur on many lines.
   * @param describe makes the sentence from the places ("line 4", "lines 4, 9 and 12 more") and the count;
   *   that of the first occurrence is kept.
   */
  occurrence(kind: Kind, line: number, describe: (places: string, count: number) => string) {
    this.record(keyOf(kind), kind, describe, line);
  }

  /** The same for lines that are all known; none is no problem. */
  lines(kind: Kind, lines: readonly number[], describe: (places: string, count: number) => string) {
    for (const line of lines) this.occurrence(kind, line, describe);
  }

  /** Occurrences that were counted elsewhere; none is no problem. */
  occurrences(kind: Kind, { lines, count }: Places, describe: (places: string, count: number) => string) {
    if (count > 0) {
      this.found.set(keyOf(kind), {
        ...kind,
        lines: [...lines],
        count,
        describe,
      });
    }
  }

  private record(key: string, kind: Kind, describe: (places: string, count: number) => string, line?: number) {
    let entry = this.found.get(key);
    if (!entry) {
      entry = { ...kind, lines: [], count: 0, describe };
      this.found.set(key, entry);
    }
    entry.count++;
    if (line !== undefined && entry.lines.length < NAMED) entry.lines.push(line);
  }

  has(severity: DataProblem['severity']): boolean {
    return [...this.found.values()].some((entry) => entry.severity === severity);
  }

  /** Errors first, then warnings, then notes; each kind in the order it was found. */
  list(): DataProblem[] {
    return [...this.found.values()]
      .sort(bySeverity)
      .map(({ severity, code, column, lines, count, describe, other }) => ({
        severity,
        code,
        message: describe(places(lines, count), count),
        ...(lines[0] === undefined ? {} : { line: lines[0] }),
        ...(column === undefined ? {} : { column }),
        ...(count > 1 ? { count } : {}),
        ...(other === undefined ? {} : { other }),
      }));
  }
}

/** "line 4", "lines 4 and 9", "lines 4, 9, 12, 13, 20 and 7 more". @param noun what has these numbers */
export function places(lines: readonly number[], count = lines.length, noun = 'line'): string {
  const named = lines.slice(0, NAMED);
  const rest = count - named.length;
  if (named.length === 1 && rest === 0) return `${noun} ${named[0]}`;
  if (rest > 0) return `${noun}s ${named.join(', ')} and ${rest.toLocaleString('en')} more`;
  return `${noun}s ${listed(named.map(String))}`;
}

/** "a, b and c". */
export function listed(words: readonly string[], conjunction = 'and'): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${conjunction} ${words.at(-1)}`;
}

/** The first of some values, each `quoted`, and how many more there are. */
export const listedSome = (values: readonly string[], most: number): string =>
  listed([...values.slice(0, most).map(quoted), ...(values.length > most ? [`${values.length - most} more`] : [])]);

/** A cell's content as a message can carry it: one line, at most 40 characters. */
export function quoted(value: string): string {
  const flat = value.replace(/\s+/g, ' ');
  return `“${flat.length > 40 ? `${flat.slice(0, 39)}…` : flat}”`;
}
