/** Between the two texts of a pair on one line: a tab, or three bars where a tab cannot be typed. */
const BETWEEN = /\t|\s*\|\|\|\s*/;

/** The two texts that stand on one line; the second is undefined where there is one. */
export function splitPair(line: string): { text: string; text_pair: string | undefined } {
  const between = BETWEEN.exec(line);
  if (!between) return { text: line, text_pair: undefined };
  return { text: line.slice(0, between.index), text_pair: line.slice(between.index + between[0].length) };
}
