import { KNOWN_NAMES } from './names.ts';

/** Rows after the first that are looked at. */
const LOOKED_AT = 200;

/** In so many rows and more a class would have come back, had the first row been one. */
const ROWS_THAT_TELL = 20;

/**
 * Whether the first row of a delimited file names the columns.
 * It does when it holds a usual name ("text", "label", …). It does not when one of its cells is a number or is
 * empty beside others, or comes back in its column as classes do, or reads like the texts below. Otherwise it
 * does: files without a header are the exception. `guessed` says that few rows speak for that.
 */
export function firstRowIs(rows: readonly (readonly string[])[]): 'header' | 'guessed' | 'row' {
  const first = rows[0];
  if (!first) return 'row';
  const cells = first.map((cell) => cell.trim());
  const named = cells.filter((cell) => KNOWN_NAMES.has(cell.toLowerCase()));
  const rest = rows.slice(1, 1 + LOOKED_AT);
  // The header's line may stand again further down, where files were joined: that is no value. What comes back often
  // is one, unless it has a usual name.
  const others = rest.filter((row) => !isHeaderAgain(row, first));
  const below = named.length > 0 || rest.length - others.length <= Math.max(1, rest.length / 10) ? others : rest;
  if (named.length > 0) {
    // A class may be called "question" or "title": a name that comes back below is a value.
    const isValue = (name: string): boolean => {
      const column = cells.indexOf(name);
      return below.some((row) => row[column]?.trim() === name);
    };
    if (named.some((name) => !isValue(name))) return 'header';
  }
  if (below.length === 0) {
    return cells.every((cell) => cell !== '' && cell.length <= 30 && !/\d/.test(cell)) ? 'header' : 'row';
  }
  for (const [i, cell] of cells.entries()) {
    if (cell === '') continue;
    if (isNumber(cell)) return 'row';
    const column = below.map((row) => (row[i] ?? '').trim());
    if (column.includes(cell)) return 'row';
    if (isLikeTexts(cell, column)) return 'row';
  }
  const isAgain = others.length < rest.length;
  // A word above numbers alone is a name.
  const isAboveNumbers = cells.some((_, i) => below.every((row) => isNumber((row[i] ?? '').trim())));
  return isAgain || isAboveNumbers || below.length >= ROWS_THAT_TELL ? 'header' : 'guessed';
}

/** Whether a cell has as many words, and is as long, as texts are in its column. Names have up to three words. */
function isLikeTexts(cell: string, column: readonly string[]): boolean {
  const mean = (of: (value: string) => number) => column.reduce((sum, value) => sum + of(value), 0) / column.length;
  const words = wordsOf(cell);
  const length = mean((value) => value.length);
  if (words >= 4) return cell.length > length / 2;
  return words >= 2 && mean(wordsOf) >= 2.5 && cell.length > 0.7 * length;
}

const wordsOf = (value: string): number => value.split(/\s+/).length;

/** Whether a row repeats the header. Files that were joined may have a byte order mark before theirs. */
export function isHeaderAgain(row: readonly string[], header: readonly string[]): boolean {
  const plain = (cell: string | undefined) => cell?.replace(/^\ufeff/, '').trim();
  return row.length === header.length && row.every((cell, i) => plain(cell) === plain(header[i]));
}

function isNumber(cell: string): boolean {
  return cell !== '' && Number.isFinite(Number(cell));
}

/**
 * Column names as a table needs them: trimmed, none empty, none twice.
 * @returns the names, and those that occurred more than once.
 */
export function columnNames(cells: readonly string[]): { names: string[]; duplicates: string[] } {
  const names: string[] = [];
  const taken = new Set<string>();
  const own = new Set(cells.map((cell) => cell.trim()));
  const duplicates = new Set<string>();
  /** The number that the next of a name gets: a search from 2 on would be slow where a name comes back often. */
  const next = new Map<string, number>();
  for (const [i, cell] of cells.entries()) {
    const trimmed = cell.trim();
    let name = trimmed === '' ? `column_${i + 1}` : trimmed;
    if (taken.has(name)) {
      duplicates.add(name);
      let n = next.get(name) ?? 2;
      while (taken.has(`${name}_${n}`) || own.has(`${name}_${n}`)) n++;
      next.set(name, n + 1);
      name = `${name}_${n}`;
    }
    taken.add(name);
    names.push(name);
  }
  return { names, duplicates: [...duplicates] };
}
