import { counted } from '../../protocol/index.ts';
import { toLearn } from './other-learning.ts';
import { type Pace, Stride } from './pace.ts';
import { listed, type Problems, quoted } from './problems.ts';
import type { Table } from './table.ts';

/** What stands in a cell of labels: one label as it is, or some within a list or JSON; `isOdd` where they cannot be read. */
type LabelCell = ({ kind: 'plain'; labels: [string] } | { kind: 'list' | 'json'; labels: string[] }) & { isOdd?: true };

type Scalar = string | number | boolean;
const isScalar = (value: unknown): value is Scalar => ['string', 'number', 'boolean'].includes(typeof value);

/** The labels of a cell: JSON lists, Python's lists, and objects that hold one list (`{"choices": ["a"]}`) are opened. */
export function readLabelCell(cell: string): LabelCell {
  const text = cell.trim();
  const first = text[0];
  if (first === '[' && text.endsWith(']')) {
    const entries = parsed(text) ?? pythonList(text);
    if (Array.isArray(entries) && entries.every(isScalar)) return { kind: 'list', labels: trimmed(entries) };
    if (entries !== undefined) return ODD;
  }
  if (first === '{' && text.endsWith('}')) {
    const object = parsed(text);
    if (object === undefined) return /^\{\s*'/.test(text) ? ODD : plain(text);
    const values = Object.values(object as object);
    const held = Array.isArray(values[0]) ? values[0] : [values[0]];
    return values.length === 1 && held.every(isScalar) ? { kind: 'json', labels: trimmed(held) } : ODD;
  }
  return plain(text);
}

const ODD: LabelCell = { kind: 'json', labels: [], isOdd: true };
const plain = (label: string): LabelCell => ({ kind: 'plain', labels: [label] });
const trimmed = (entries: readonly Scalar[]): string[] =>
  entries.map((entry) => String(entry).trim()).filter((entry) => entry !== '');

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const PYTHON_STRINGS = /^\[\s*(?:(?:'[^'\\]*'|"[^"\\]*")\s*(?:,\s*|(?=\])))*\]$/;

/** A list as Python prints one: `['a', 'b']`. */
function pythonList(text: string): string[] | undefined {
  if (!PYTHON_STRINGS.test(text)) return undefined;
  return [...text.matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, single, double]) => single ?? double ?? '');
}

/** Share of rows with several labels from which the data are meant for a classifier of several labels. */
const MOST_SEVERAL = 1 / 3;

const SEVERAL = { problem_type: 'multi_label_classification' } as const;

/** Gathers the rows of a column whose labels stand in lists or JSON, and says what became of them. */
export class LabelCells {
  readonly #opened = { list: [] as number[], json: [] as number[] };
  readonly #several: { line: number; cell: string; labels: string[]; kind: 'list' | 'json' }[] = [];
  readonly #classes = new Set<string>();
  #rows = 0;

  constructor(private readonly column: string) {}

  /** The label of a row; empty where it has none, undefined where it has several. */
  labelOf(cell: string, line: number, more: readonly string[] = []): string | undefined {
    this.#rows++;
    const read = readLabelCell(cell);
    const labels = [...read.labels, ...more];
    const kind = read.kind === 'json' ? 'json' : 'list';
    if (labels.length > 1 || (read.kind === 'json' && labels.length === 0)) {
      this.#several.push({ line, cell, labels, kind });
      return undefined;
    }
    if (read.kind !== 'plain' && labels.length === 1) this.#opened[read.kind].push(line);
    const [label = ''] = labels;
    this.#classes.add(label);
    return label;
  }

  report(problems: Problems): void {
    const { column } = this;
    const opened = (code: string, lines: readonly number[], what: string): void =>
      problems.lines({ severity: 'info', code, column }, lines, (where, count) =>
        count === this.#rows
          ? `Each row has ${what} in “${column}”; the entry is used as its label.`
          : `${counted(count, 'row')} ${count === 1 ? 'has' : 'have'} ${what} in “${column}” (${where}); the entry is used as the label.`,
      );
    opened('list-labels', this.#opened.list, 'a list with one entry');
    opened('json-cells', this.#opened.json, 'JSON with one entry');
    for (const kind of ['list', 'json'] as const) {
      const found = this.#several.filter((row) => row.kind === kind);
      if (found.length === 0) continue;
      const isMeant = this.#several.length > MOST_SEVERAL * this.#rows || this.#classes.size < 2;
      const code = kind === 'list' ? 'list-labels' : 'json-cells';
      const { cell, labels } = found[0]!;
      const example = kind === 'list' ? listed(labels.slice(0, 4).map(quoted)) : quoted(cell);
      const what = kind === 'list' ? 'several labels' : 'JSON instead of one label';
      problems.lines(
        { severity: isMeant ? 'error' : 'warning', code, column, key: 'several', other: SEVERAL },
        found.map(({ line }) => line),
        (where, count) =>
          `${count.toLocaleString('en')} of ${counted(this.#rows, 'row')} ${count === 1 ? 'has' : 'have'} ${what} in “${column}” (${where}), such as ${example}` +
          `${isMeant ? '' : `, and ${count === 1 ? 'is' : 'are'} left out`}. ${toLearn(SEVERAL)} Or give each row one label.`,
      );
    }
  }
}

const MOST_ENTRIES = 5;
/** A list of more is not one of labels, though a row may have several. */
export const MOST_LABELS = 100;

/**
 * Lets columns of JSON lists be taken for labels: those whose lists are short, hold words or numbers, and come back
 * as classes do. Others stay out of the question.
 */
export async function withListColumns(
  table: Table,
  isLabelName: (name: string) => boolean,
  pace?: Pace,
  most = MOST_ENTRIES,
): Promise<Table> {
  if (table.nested.size === 0) return table;
  const candidates = new Map<number, { name: string; cells: number; distinct: Set<string>; isFilled: boolean }>();
  for (const [i, name] of table.columns.entries()) {
    if (table.nested.has(name)) candidates.set(i, { name, cells: 0, distinct: new Set(), isFilled: false });
  }
  const stride = new Stride(pace);
  for (const row of table.rows) {
    if (candidates.size === 0) break;
    const wait = stride.step(row.bytes);
    if (wait) await wait;
    for (const [i, cell] of row.cells()) {
      const candidate = candidates.get(i);
      if (!candidate) continue;
      const { kind, labels } = readLabelCell(cell);
      if (kind === 'json' || labels.length > most) {
        candidates.delete(i);
        continue;
      }
      candidate.cells++;
      candidate.distinct.add(cell);
      candidate.isFilled ||= kind === 'list' && labels.length > 0;
    }
  }
  const nested = new Map(table.nested);
  for (const { name, cells, distinct, isFilled } of candidates.values()) {
    if (isFilled && (distinct.size <= cells / 2 || isLabelName(name))) nested.delete(name);
  }
  if (nested.size === table.nested.size) return table;
  const problems = table.problems.filter(
    ({ code, column }) => code !== 'nested-json' || column === undefined || nested.has(column),
  );
  return { ...table, nested, problems };
}

const SEPARATORS = ['|', ',', ';', '#', '/', '+', '&'];
/** Those that seldom stand within a name. */
const PURE_SEPARATORS = new Set(['|', ';', '#']);

/** Labels that are lists of other labels (`a|b` beside `a` and `b`), each with its parts. */
export function joinedLabels(labels: readonly string[]): { separator: string; joined: string[] } | undefined {
  let best: { separator: string; joined: string[] } | undefined;
  const known = new Set(labels);
  for (const separator of SEPARATORS) {
    const split = labels
      .filter((label) => label.includes(separator))
      .map((label) => ({ label, parts: label.split(separator).map((part) => part.trim()) }))
      .filter(({ parts }) => parts.length > 1 && parts.every((part) => part !== ''));
    // Where no label stands alone, parts that come back in several lists are labels, too.
    const uses = new Map<string, number>();
    for (const { parts } of split) for (const part of new Set(parts)) uses.set(part, (uses.get(part) ?? 0) + 1);
    const isMostly = PURE_SEPARATORS.has(separator) && split.length >= 3 && split.length >= labels.length / 2;
    const joined = split
      .filter(({ parts }) => parts.every((part) => known.has(part) || (isMostly && uses.get(part)! > 1)))
      .map(({ label }) => label);
    if (joined.length > (best?.joined.length ?? 0)) best = { separator, joined };
  }
  return best;
}
