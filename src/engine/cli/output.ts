import { randomBytes } from 'node:crypto';
import displayWidth from 'fast-string-width';
import { visible, visibleJson, visibleLine } from '../../guard/index.ts';
import {
  formatMetric,
  HEADLINES,
  LuthierError,
  largest,
  metricName,
  TERMINAL_COMMANDS,
  toErrorData,
} from '../../protocol/index.ts';

/** Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

const USAGE_CODES = new Set(['usage', 'recipe-invalid', 'prompt-invalid']);
const INTERRUPTED_CODES = new Set(['cancelled', 'interrupted']);

/** What the first Ctrl-C on work in steps is answered. */
export const ENDING = 'Ending after this step, with a checkpoint… Press Ctrl-C again to end at once.';

/** A result: stdout holds nothing else. */
export function print(text: string): void {
  process.stdout.write(`${wrapped(forTerminal(text), process.stdout)}\n`);
}

/** Part of a text that is still being written. */
export function printPart(text: string): void {
  process.stdout.write(forTerminal(text));
}

export function printJson(value: unknown): void {
  process.stdout.write(`${visibleJson(JSON.stringify(value))}\n`);
}

/** Progress and notes go to stderr, so that results can be piped. */
export function note(text: string): void {
  process.stderr.write(`${wrapped(forTerminal(asTyped(text)), process.stderr)}\n`);
}

/** A terminal, or where nobody looks. */
interface Looked {
  isTTY?: boolean;
  columns?: number;
}

/** A text as a terminal of `columns` shows it: lines that are too long are broken between words. */
export function wrapped(text: string, { isTTY, columns }: Looked): string {
  if (!isTTY || !columns) return text;
  return text
    .split('\n')
    .flatMap((line) => wrapLine(line, columns))
    .join('\n');
}

/** Lines of at most `columns`, indented as the first is; a word that is longer stays whole. */
function wrapLine(line: string, columns: number): string[] {
  if (widthOf(line) <= columns) return [line];
  const [indent] = /^ */.exec(line)!;
  const lines: string[] = [];
  let current = '';
  for (const word of line.slice(indent.length).split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (current === '' || widthOf(indent + longer) <= columns) current = longer;
    else {
      lines.push((indent + current).trimEnd());
      current = word;
    }
  }
  return [...lines, indent + current];
}

/** Marks our own colours until they are written: no file can hold it, so no file can colour anything. */
const MARK = randomBytes(6).toString('hex');
const STYLE = new RegExp(`<${MARK}:(\\d+)>`, 'g');

/**
 * The one way to a terminal: names, labels, notes and texts come from files, and a control character in them would move
 * the cursor, rename the window or worse. They are written out (`\u001b`); our own colours alone become sequences.
 */
export function forTerminal(text: string): string {
  return visible(text).replace(STYLE, '\u001b[$1m');
}

/** Our own commands as this person has to type them: what npm or npx has started is not on the PATH. */
export function asTyped(text: string): string {
  if (process.env.npm_execpath === undefined) return text;
  return text.replace(OUR_COMMAND, 'npx luthier ');
}

const OUR_COMMAND = new RegExp(
  `(?<![\\w/.-]|npx )luthier (?=(?:${[...TERMINAL_COMMANDS, '--help'].join('|')})\\b)`,
  'g',
);

/** Tells what went wrong and what to do, and never a stack, unless LUTHIER_DEBUG asks for it. @returns the exit code */
export function reportError(error: unknown): number {
  const { code, message, hint } = toErrorData(error);
  const isInternal = !(error instanceof LuthierError);
  note(`${bold(red('Error:'))} ${message}`);
  if (hint !== undefined) note(hint);
  else if (isInternal) note('This is a bug in Luthier. Set LUTHIER_DEBUG=1 to see where it happened.');
  if (process.env.LUTHIER_DEBUG && error instanceof Error) note(error.stack ?? '');
  if (USAGE_CODES.has(code)) return EXIT.usage;
  return INTERRUPTED_CODES.has(code) ? EXIT.interrupted : EXIT.failed;
}

const colours = () =>
  process.env.NO_COLOR ? false : process.env.FORCE_COLOR ? true : process.stderr.isTTY && process.stdout.isTTY;
const style = (open: number, close: number) => (text: string) =>
  colours() ? `<${MARK}:${open}>${text}<${MARK}:${close}>` : text;

export const bold = style(1, 22);
export const dim = style(2, 22);
export const red = style(31, 39);
export const green = style(32, 39);
export const yellow = style(33, 39);

/**
 * Columns aligned, numbers to the right when `right` names them. Each row is one line, whatever its cells hold; in a
 * terminal that is too narrow, the widest cells are broken between words.
 */
export function table(
  header: string[],
  given: string[][],
  right: readonly number[] = [],
  { isTTY, columns }: Looked = process.stdout,
): string {
  const rows = [header, ...given.map((row) => row.map(visibleLine))];
  const widths = header.map((_, i) => largest(rows, (row) => widthOf(row[i]!), 0));
  const between = '  ';
  const isNarrow = Boolean(isTTY && columns);
  if (isTTY && columns) {
    const words = header.map((_, i) => largest(rows, (row) => longestWord(row[i]!), 0));
    let over = widths.reduce((sum, width) => sum + width, between.length * (widths.length - 1)) - columns;
    for (; over > 0; over--) {
      const room = widths.map((width, i) => (width > words[i]! ? width : 0));
      const widest = room.indexOf(largest(room, (width) => width, 0));
      if (room[widest] === 0) break;
      widths[widest]!--;
    }
  }
  const pad = (text: string, i: number) => {
    const blanks = ' '.repeat(Math.max(0, widths[i]! - widthOf(text)));
    return right.includes(i) ? blanks + text : text + blanks;
  };
  const lines = (row: string[]) => {
    if (!isNarrow) return [row.map(pad).join(between).trimEnd()];
    const cells = row.map((cell, i) => wrapLine(cell, widths[i]!));
    return Array.from({ length: largest(cells, (cell) => cell.length, 1) }, (_, line) =>
      cells
        .map((cell, i) => pad(cell[line] ?? '', i))
        .join(between)
        .trimEnd(),
    );
  };
  const [first, ...rest] = rows;
  return [...lines(first!).map(bold), ...rest.flatMap(lines)].join('\n');
}

/** Most texts are ASCII, and tables long. */
const widthOf = (text: string): number => (/^[ -~]*$/.test(text) ? text.length : displayWidth(text));

const longestWord = (text: string): number => largest(text.split(' '), widthOf, 0);

/** `1:04:09`, `2:05`, `0:07`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor((s % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

/** `accuracy 91.2 %, macro F1 89.9 %, loss 0.311`: those that say most, in this order. */
export function metricLine(metrics: Record<string, number | undefined>): string {
  return HEADLINES.filter((key) => metrics[key] !== undefined)
    .map((key) => `${metricName(key)} ${formatMetric(key, metrics[key]!)}`)
    .join(', ');
}

/** Whether questions can be asked and a bar be drawn. */
export const isInteractive = (): boolean => Boolean(process.stdin.isTTY && process.stderr.isTTY);
