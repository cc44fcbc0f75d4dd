import { join } from 'node:path';
import { readOwnJson } from '../files/json.ts';
import { homeProblem } from '../guard/index.ts';
import { COMPARISON_FORMAT, type Comparison, parseComparison } from '../protocol/index.ts';

/** In a `.luthier` folder. */
export const COMPARISONS = 'comparisons';

/** A comparison of a `.luthier` folder; null where there is none, or none that this version can read. */
export async function readComparison(home: string, id: string): Promise<Comparison | null> {
  if ((await homeProblem(home, COMPARISONS)) !== null) return null;
  const value = await readOwnJson(join(home, COMPARISONS, `${id}.json`)).catch(() => null);
  const found = parseComparison(value);
  return found.ok && found.message.format === COMPARISON_FORMAT && found.message.id === id ? found.message : null;
}
