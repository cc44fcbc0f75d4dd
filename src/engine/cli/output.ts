import { randomBytes } from 'node:crypto';
import { visible, visibleJson, visibleLine } from '../../guard/index.ts';
import { largest, METRIC_WORDS, type MetricKey } from '../../protocol/index.ts';
import { LuthierError, toErrorData } from '../errors.ts';

/** Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

const USAGE_CODES = new Set(['usage', 'recipe-invalid']);
const INTERRUPTED_CODES = new Set(['cancelled', 'interrupted']);

/** A result: stdout holds nothing else. */
export function print(text: string): void {
  process.stdout.write(`${forTerminal(text)}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${visibleJson(JSON.stringify(value))}\n`);
}

/** Progress and notes go to stderr, so that results can be piped. */
export function note(text: string): void {
  process.stderr.write(`${forTerminal(asTyped(text))}\n`);
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
function asTyped(text: string): string {
  if (process.env.npm_execpath === undefined) return text;
  return text.replace(
    /(?<![\w/.-]|npx )luthier (?=(?:train|evaluate|predict|data|export|runs|models|cache|backends|bench|--help)\b)/g,
    'npx luthier ',
  );
}

/** Tells what went wrong and what to do, and never a stack, unless LUTHIER_DEBUG asks for it. @returns the exit code */
export function reportError(error: unknown): number {
  const { code, message, hint } = toErrorData(error);
  const isInternal = !(error instanceof LuthierError);
  note(`${bold(red('Error:'))} ${message}`);
  if (hint !== undefined) note(hint);
  else if (isInternal) note('This is a defect of Luthier. LUTHIER_DEBUG=1 shows where it happened.');
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

/** Columns aligned, numbers to the right when `right` names them. Each row is one line, whatever its cells hold. */
export function table(header: string[], given: string[][], right: readonly number[] = []): string {
  const rows = given.map((row) => row.map(visibleLine));
  const widths = header.map((title, i) => largest(rows, (row) => row[i]!.length, title.length));
  const line = (cells: string[]) =>
    cells
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [bold(line(header)), ...rows.map(line)].join('\n');
}

/** `1:04:09`, `2:05`, `0:07`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor((s % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

const METRIC_NAMES: Readonly<Record<string, string>> = METRIC_WORDS;

/** `accuracy 0.912, macro F1 0.899, loss 0.311`: those that say most, in this order. */
export function metricLine(metrics: Record<string, number | undefined>): string {
  return ['accuracy', 'f1_macro', 'loss']
    .filter((key) => metrics[key] !== undefined)
    .map((key) => `${METRIC_NAMES[key]} ${metrics[key]!.toFixed(3)}`)
    .join(', ');
}

/** A metric as tables show it: calibration error as a percentage, as in the editor. */
export const metricValue = (key: MetricKey, value: number): string =>
  key === 'ece' ? `${(100 * value).toFixed(1)} %` : value.toFixed(3);

export const metricName = (key: string): string => METRIC_NAMES[key] ?? key;

/** Whether questions can be asked and a bar be drawn. */
export const isInteractive = (): boolean => Boolean(process.stdin.isTTY && process.stderr.isTTY);
