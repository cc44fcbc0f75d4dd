import { drawOf } from './read.ts';

/** Share of the files that is held out for validation, and as much again for the test. */
const SHARE = 0.1;
/** The most of few files. */
const MOST = 0.2;
/** With fewer files no test files are set aside: validation needs them more. */
const FEWEST_FOR_TEST = 20;

/**
 * Whole files that are held out, by a number that is drawn for each path: files that come later leave those that were
 * there on their side. Files that are nearly the same stay together.
 * @param clusters for each path the first of those that it is nearly the same as
 */
export function heldOut(clusters: ReadonlyMap<string, string>, seed: number): { validation: string[]; test: string[] } {
  const order = [...new Set(clusters.values())].map((path) => ({ path, draw: drawOf(seed, path) }));
  order.sort((a, b) => a.draw - b.draw);
  const n = order.length;
  const within = (low: number, high: number) => order.filter(({ draw }) => draw >= low && draw < high).length;
  const clamp = (count: number) => Math.min(Math.max(1, count), Math.max(1, Math.floor(MOST * n)));
  const forValidation = n < 2 ? 0 : clamp(within(0, SHARE));
  const forTest = n < FEWEST_FOR_TEST ? 0 : clamp(within(SHARE, 2 * SHARE));
  const heads = (from: number, count: number) => new Set(order.slice(from, from + count).map(({ path }) => path));
  const [validation, test] = [heads(0, forValidation), heads(forValidation, forTest)];
  const all = [...clusters];
  const of = (chosen: ReadonlySet<string>) => all.flatMap(([path, head]) => (chosen.has(head) ? path : [])).sort();
  return { validation: of(validation), test: of(test) };
}
