import { counted } from '../../protocol/index.ts';
import { tidyLabel } from './characters.ts';
import { readLabelCell } from './label-cells.ts';
import { numberKey } from './labels.ts';
import { listed, Places, type Problems, quoted } from './problems.ts';
import type { TableRow } from './row-record.ts';
import { isEmpty } from './table.ts';

/** How what is to be learnt of a row is read from its cells. */
export interface AnswerCells {
  /** Whether a row without it is a row all the same. */
  readonly isOptional?: boolean;
  /** What it is called where it is missing; a label where this is left out. */
  readonly title?: string;
  /**
   * The answer as rows keep it; empty where there is none, undefined where the row is left out, which is told.
   * @param more labels that stand elsewhere, as fastText's in front of a text
   */
  labelOf(cell: string, line: number, more: readonly string[], row: TableRow): string | undefined;
  report(problems: Problems): void;
}

/** The labels of a row as it keeps them. */
export const setOf = (label: string): string[] => JSON.parse(label) as string[];

export interface LabelsHow {
  label_separator?: string | undefined;
  label_columns?: readonly string[] | undefined;
}

/** Any number of labels in a row: a JSON list, a cell with a separator, or columns of 0 and 1. */
export class SeveralLabels implements AnswerCells {
  readonly isOptional = true;
  readonly #indices: readonly number[];
  readonly #none = new Places();
  readonly #odd = new Places();
  #oddCell = '';
  #rows = 0;
  #several = 0;

  constructor(
    private readonly column: string,
    private readonly how: LabelsHow,
    columns: readonly string[],
  ) {
    this.#indices = (how.label_columns ?? []).map((name) => columns.indexOf(name));
  }

  labelOf(cell: string, line: number, more: readonly string[], row: TableRow): string | undefined {
    const labels = this.how.label_columns ? this.#marked(row) : this.#written(cell, more);
    if (labels === undefined) {
      this.#odd.add(line);
      return undefined;
    }
    const set = [...new Set(labels.map(tidyLabel).filter((label) => label !== ''))].sort();
    this.#rows++;
    if (set.length === 0) this.#none.add(line);
    if (set.length > 1) this.#several++;
    return JSON.stringify(set);
  }

  #written(cell: string, more: readonly string[]): string[] | undefined {
    const read = readLabelCell(cell);
    if (read.isOdd) {
      this.#oddCell ||= cell;
      return undefined;
    }
    const { label_separator: separator } = this.how;
    const parts = separator === undefined ? read.labels : read.labels.flatMap((label) => label.split(separator));
    return [...parts, ...more];
  }

  /** Names of the columns that say 1; an empty cell is a 0. */
  #marked(row: TableRow): string[] | undefined {
    const names: string[] = [];
    for (const [i, name] of this.how.label_columns!.entries()) {
      const value = row.value(this.#indices[i]!);
      const is = isEmpty(value) ? false : TRUE.get(value.trim().toLowerCase());
      if (is === undefined) {
        this.#oddCell ||= `${name}: ${value}`;
        return undefined;
      }
      if (is) names.push(name);
    }
    return names;
  }

  report(problems: Problems): void {
    const { column } = this;
    problems.occurrences(
      { severity: 'warning', code: 'list-labels', column, key: 'odd' },
      this.#odd,
      (where, count) =>
        `${counted(count, 'row')} (${where}) ${count === 1 ? 'is' : 'are'} left out, because ${this.how.label_columns ? 'a label column contains something other than 0 and 1' : `“${column}” is not a list of labels`}, such as ${quoted(this.#oddCell)}.`,
    );
    if (this.#rows === 0) return;
    const none = this.#none.count;
    problems.add(
      'info',
      'list-labels',
      `${counted(this.#several, 'row')} of ${this.#rows.toLocaleString('en')} ${this.#several === 1 ? 'has' : 'have'} several labels, and ${none.toLocaleString('en')} ${none === 1 ? 'has' : 'have'} none.`,
      { column },
    );
  }
}

/** What a column of 0 and 1 may say. */
export const TRUE: ReadonlyMap<string, boolean> = new Map([
  ...(['1', '1.0', 'true', 'yes'] as const).map((word) => [word, true] as const),
  ...(['0', '0.0', 'false', 'no'] as const).map((word) => [word, false] as const),
]);

/** A number in each row. */
export class ValueCells implements AnswerCells {
  readonly title = 'value';
  readonly #odd = new Places();
  readonly #examples = new Set<string>();
  #rows = 0;

  constructor(private readonly column: string) {}

  labelOf(cell: string, line: number): string | undefined {
    const text = cell.trim();
    const number = numberKey(text);
    if (number === undefined || !Number.isFinite(Math.fround(Number(number)))) {
      this.#odd.add(line);
      if (this.#examples.size < 3) this.#examples.add(text);
      return undefined;
    }
    this.#rows++;
    return number;
  }

  report(problems: Problems): void {
    const { column } = this;
    problems.occurrences(
      { severity: this.#rows > this.#odd.count ? 'warning' : 'error', code: 'not-a-number', column },
      this.#odd,
      (where, count) =>
        `${counted(count, 'row')} (${where}) ${count === 1 ? 'has' : 'have'} no number in “${column}”, such as ${listed([...this.#examples].map(quoted))}, and ${count === 1 ? 'is' : 'are'} left out.`,
    );
  }
}
