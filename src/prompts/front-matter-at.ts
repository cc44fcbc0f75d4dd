import { linesOf } from './places.ts';
import type { PromptFile, Range } from './prompt-file.ts';

/** What belongs at a place of the front matter; `*` in a path is an item of a list. */
export type FrontMatterPlace =
  /** A key below `path`, beside `others`. */
  | { kind: 'key'; path: string[]; others: string[] }
  /** The value of the key at `path`; `value` is what is there so far. */
  | { kind: 'value'; path: string[]; value: Range };

interface Line {
  /** Columns of the dash, if there is one, and of the key. */
  dash: number | null;
  column: number;
  key: string | null;
}

const LINE = /^([ \t]*)(?:(-)([ \t]+))?(?:([\w-]+|"[^"]*"):(?=\s|$))?/;

function readLine(text: string): Line {
  const [, indent = '', dash, blanks = '', key] = LINE.exec(text)!;
  return {
    dash: dash ? indent.length : null,
    column: indent.length + (dash ? 1 + blanks.length : 0),
    key: key?.replace(/^"|"$/g, '') ?? null,
  };
}

/**
 * Where a cursor in the front matter is. Found by indentation alone: while a key is typed, the whole is hardly ever
 * YAML that can be read.
 */
export function frontMatterAt(text: string, { frontMatter }: PromptFile, offset: number): FrontMatterPlace | null {
  if (!frontMatter) return null;
  const lines = [...linesOf(text, frontMatter)];
  const index = lines.findLastIndex(({ range }) => range.start <= offset);
  const own = lines[index];
  // The empty line behind the last one.
  const start = own && offset <= own.range.end ? own.range.start : offset;
  const before = text.slice(start, offset);
  const above = lines.slice(0, own && start === own.range.start ? index : lines.length);
  const below = own && start === own.range.start ? lines.slice(index + 1) : [];
  if (before.includes('#')) return null;
  const value = /^([ \t]*(?:-[ \t]+)?(?:[\w-]+|"[^"]*"):)([ \t]*)([^\r\n]*)$/.exec(before);
  if (value) {
    const from = start + value[1]!.length + value[2]!.length;
    const line = readLine(before.slice(0, value[1]!.length));
    const path = pathTo(
      line,
      above.map((one) => readLine(one.text)),
    );
    return {
      kind: 'value',
      path: [...path, line.key!],
      value: { start: from, end: Math.max(from, own?.range.end ?? from) },
    };
  }
  if (!/^[ \t]*(?:-[ \t]+)?[\w-]*$/.test(before)) return null;
  const line = readLine(before);
  // A dash that has no blank yet.
  if (/^[ \t]*-$/.test(before)) return null;
  const read = above.map((one) => readLine(one.text)).filter(({ key, dash }) => key !== null || dash !== null);
  return {
    kind: 'key',
    path: pathTo(line, read),
    others: siblings(
      line,
      read,
      below.map((one) => readLine(one.text)),
    ),
  };
}

/** Keys that lead to a line. */
function pathTo(line: Line, above: readonly Line[]): string[] {
  const path: string[] = [];
  let { column } = line;
  // A list may stand as far left as its key.
  let mayEqual = false;
  const enter = (dash: number | null) => {
    if (dash === null) return;
    path.unshift('*');
    column = dash;
    mayEqual = true;
  };
  enter(line.dash);
  for (const other of [...above].reverse()) {
    if (other.key === null) continue;
    if (other.column < column || (mayEqual && other.column === column && other.dash === null)) {
      path.unshift(other.key);
      column = other.column;
      mayEqual = false;
      enter(other.dash);
    } else if (other.column === column && other.dash !== null && !mayEqual) enter(other.dash);
  }
  return path;
}

function siblings(line: Line, above: readonly Line[], below: readonly Line[]): string[] {
  const found: string[] = [];
  const walk = (lines: readonly Line[], isAbove: boolean) => {
    for (const { column, key, dash } of lines) {
      if (key === null) continue;
      if (column < line.column || (!isAbove && dash !== null && dash < line.column)) return;
      if (column !== line.column) continue;
      found.push(key);
      if (isAbove && dash !== null) return;
    }
  };
  if (line.dash === null) walk([...above].reverse(), true);
  walk(below, false);
  return found;
}
