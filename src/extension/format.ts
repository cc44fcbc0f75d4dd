/** Figures as people read them in trees, the status bar and notifications. */

/** Seconds as `45 s`, `3 min`, `2 h 05 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 90) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** Letters that a line of a picker has room for. */
const LINE = 80;

/** A message in lines that a picker shows whole: broken at its pauses, else between words. */
export function linesOf(message: string): string[] {
  let rest = message;
  const lines: string[] = [];
  while (rest.length > LINE) {
    const room = rest.slice(0, LINE + 1);
    const pauses = [...room.matchAll(/[.;:·](?= )| (?=\()/g)].map(({ index, 0: [mark] }) =>
      mark === ' ' ? index : index + 1,
    );
    const pause = pauses.findLast((at) => at >= LINE / 3) ?? room.lastIndexOf(' ');
    const end = pause > 0 ? pause : LINE;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest];
}

/** Text cut to `length` characters with an ellipsis, on one line. */
export function shorten(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const characters = [...line];
  return characters.length <= length ? line : `${characters.slice(0, length - 1).join('')}…`;
}
