// The closing lines of `npm test` and of the end-to-end tests, which it reads: the last screen of a log says what failed.

const AGAIN = 'Needed a second try: ';
const FAILED = 'Failed: ';
const INDENT = '  ';
/** Failures that are named; of the others their number is. */
const MOST = 20;
const WIDTH = 200;

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {{ stage: string, failures: readonly string[] }} FailedStage a stage, with a line for each of its failures
 */

/**
 * @param {Counts} counts
 * @param {readonly string[]} retried names of scenarios that passed only when they were played again
 * @param {readonly FailedStage[]} failed
 * @returns {string} lines, the last of them `N passed, N failed[, N skipped]`
 */
export function closingLines({ passed, failed: count, skipped }, retried = [], failed = []) {
  const again = retried.map((name) => `${AGAIN}${name}`);
  const scenarios = retried.length === 1 ? '1 scenario needed' : `${retried.length} scenarios needed`;
  const counted = retried.length > 0 ? [...again, `${scenarios} a second try.`] : [];
  const sum = `${passed} passed, ${count} failed${skipped ? `, ${skipped} skipped` : ''}`;
  return [...counted, ...failedLines(failed), sum].join('\n');
}

/** @param {readonly FailedStage[]} failed */
function failedLines(failed) {
  let left = MOST;
  return failed.flatMap(({ stage, failures }) => {
    const shown = failures.slice(0, left);
    left -= shown.length;
    const more = failures.length - shown.length;
    const lines = [...shown.map(cut), ...(more > 0 ? [`… and ${more} more`] : [])];
    return [`${FAILED}${stage}`, ...lines.map((line) => `${INDENT}${line}`)];
  });
}

/** @param {string} failure */
function cut(failure) {
  const line = failure.replace(/\s+/g, ' ').trim();
  return line.length > WIDTH ? `${line.slice(0, WIDTH)}…` : line;
}

/**
 * @param {string} output what a runner of tests has written
 * @returns {{ counts: Counts, retried: string[], failures: string[] } | null} null without closing lines
 */
export function readClosingLines(output) {
  const last = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$/gm)].at(-1);
  if (!last) return null;
  const [passed, failed, skipped] = [last[1], last[2], last[3] ?? 0].map(Number);
  const retried = output.split(/\r?\n/).flatMap((line) => (line.startsWith(AGAIN) ? [line.slice(AGAIN.length)] : []));
  // Only what stands right before the sum: what tests say may begin alike.
  const before = output.slice(0, last.index).trimEnd().split(/\r?\n/);
  const begins = before.findLastIndex((line) => !line.startsWith(INDENT) && !line.startsWith(FAILED)) + 1;
  const named = before.findIndex((line, i) => i >= begins && line.startsWith(FAILED));
  const failures = named === -1 ? [] : before.slice(named).filter((line) => line.startsWith(INDENT));
  return { counts: { passed, failed, skipped }, retried, failures: failures.map((line) => line.trim()) };
}
