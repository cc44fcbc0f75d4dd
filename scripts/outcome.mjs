// The closing lines of the end-to-end tests, which `npm test` reads and closes with itself.

const AGAIN = 'Needed a second try: ';

/**
 * @param {{ passed: number, failed: number, skipped: number }} counts
 * @param {readonly string[]} retried names of scenarios that passed only when they were played again
 * @returns {string} lines, the last of them `N passed, N failed[, N skipped]`
 */
export function closingLines({ passed, failed, skipped }, retried = []) {
  const again = retried.map((name) => `${AGAIN}${name}`);
  const count = retried.length === 1 ? '1 scenario needed' : `${retried.length} scenarios needed`;
  const counted = retried.length > 0 ? [...again, `${count} a second try.`] : [];
  return [...counted, `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`].join('\n');
}

/**
 * @param {string} output what a runner of tests has written
 * @returns {{ counts: { passed: number, failed: number, skipped: number }, retried: string[] } | null} null without
 *   closing lines
 */
export function readClosingLines(output) {
  const last = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$/gm)].at(-1);
  if (!last) return null;
  const [passed, failed, skipped] = [last[1], last[2], last[3] ?? 0].map(Number);
  const retried = output.split(/\r?\n/).flatMap((line) => (line.startsWith(AGAIN) ? [line.slice(AGAIN.length)] : []));
  return { counts: { passed, failed, skipped }, retried };
}
