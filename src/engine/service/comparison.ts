import type { AnswerPart, Comparison, ComparisonAsked, RecipeSource, RunEstimate } from '../../protocol/index.ts';
import { models, ways } from '../runs/comparison/candidates.ts';
import { compare } from '../runs/comparison/compare.ts';

/** A step may take a tenth of a second: that often a page need not hear of it. */
const TELL_MS = 250;

export interface RunComparisonOptions {
  cacheFolder: string | undefined;
  signal: AbortSignal;
  /** In a process of its own: it cuts texts and measures the machine. */
  estimate: (source: RecipeSource) => Promise<RunEstimate>;
  tell: (part: AnswerPart) => void;
  note: (message: string) => void;
}

/** A comparison as the editor asks for it. @throws LuthierError as compare */
export async function runComparison(
  { compared, models: names, minutes, task, columns, encoding, rows, base, data, home, sets }: ComparisonAsked,
  { cacheFolder, signal, estimate, tell, note }: RunComparisonOptions,
): Promise<Comparison> {
  const asked = { task, dataset: data, columns, encoding, rows, base, cacheFolder };
  const candidates = compared === 'ways' ? await ways(asked, names[0] ?? '') : await models(asked, names);
  let now: Comparison | null = null;
  let told = 0;
  return compare({
    ...{ compared, candidates, data, base, home, sets, signal, note, budget_s: 60 * minutes },
    // What --set changes is in the recipe by now.
    estimate: ({ recipe, base: folder }) => estimate({ recipe, base: folder }),
    onChange: (comparison) => {
      now = comparison;
      tell({ type: 'comparison', comparison, share: 0 });
    },
    onProgress: ({ share }) => {
      if (now === null || Date.now() - told < TELL_MS) return;
      told = Date.now();
      tell({ type: 'comparison', comparison: now, share });
    },
  });
}
