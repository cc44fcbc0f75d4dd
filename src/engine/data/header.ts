import { KNOWN_NAMES } from './names.ts';

/** Rows after the first that are looked at. */
const LOOKED_AT = 200;

/**
 * Whether the first row of a delimited file names the columns.
 * It does when it holds a usual name ("text", "label", …). It does not when one of its cells is a number or is
 * empty beside others, or comes back in its column as classes do, or is as long as the texts below. Otherwise it
 * does: files without a header are the exception.
 */
export function hasHeader(rows: readonly (readonly string[])[]): boolean {
  const first = rows[0];
  if (!first) return false;
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
    if (named.some((name) => !isValue(name))) return true;
  }
  if (below.length === 0) return cells.every((cell) => cell !== '' && cell.length <= 30 && !/\d/.test(cell));
  for (const [i, cell] of cells.entries()) {
    if (cell === '') continue;
    if (isNumber(cell)) return false;
    const column = below.map((row) => (row[i] ?? '').trim());
    if (column.includes(cell)) return false;
    const words = cell.split(/\s+/).length;
    const mean = column.reduce((sum, value) => sum + value.length, 0) / column.length;
    if (words >= 4 && cell.length > mean / 2) return false;
  }
  return true;
}

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
