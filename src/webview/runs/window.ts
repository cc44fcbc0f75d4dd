/** Height of a row of the table in px; table.css has the same. */
export const ROW_HEIGHT = 28;

/** Rows drawn above and below those in sight, so that none is missing while somebody scrolls. */
const MARGIN = 12;

/** Which of a table's rows are drawn, and the height of those before and behind them in px. */
export interface Window {
  first: number;
  end: number;
  before: number;
  after: number;
}

/**
 * The rows in sight: of a thousand a few dozen are drawn.
 * @param top px that the table is scrolled
 * @param height px of it that are seen
 */
export function windowOf(count: number, top: number, height: number): Window {
  const first = Math.max(0, Math.min(count, Math.floor(top / ROW_HEIGHT) - MARGIN));
  const end = Math.min(count, Math.ceil((top + height) / ROW_HEIGHT) + MARGIN);
  return { first, end, before: first * ROW_HEIGHT, after: (count - end) * ROW_HEIGHT };
}

/** Where the table must be scrolled to so that a row is in sight below its heading; the same where it is. */
export function scrolledTo(index: number, top: number, height: number, heading: number): number {
  const at = index * ROW_HEIGHT;
  if (at < top) return at;
  const lowest = at + ROW_HEIGHT - (height - heading);
  return lowest > top ? lowest : top;
}
