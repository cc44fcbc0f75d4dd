import { LuthierError } from '../../protocol/index.ts';
import type { LoadedRecipe } from '../recipes/recipe.ts';
import { kindOf } from '../strategies/index.ts';
import { RANGE, type RatePoint, rangeTest, suggestRates } from '../train/range-test.ts';
import { createTrainer } from '../train/trainer.ts';
import { bold, dim, EXIT, note, print, printJson } from './output.ts';
import { ProgressLine } from './progress-line.ts';

/** Lines of the curve, and letters of its longest bar. */
const LINES = 25;
const WIDEST = 40;

/**
 * Finds a learning rate for a recipe: trains at most 100 steps with rates that grow, shows the losses, and suggests one.
 * Nothing is kept of the training. @returns the exit code
 * @throws LuthierError as a run does before its start; `usage` for a strategy that has no rate
 */
export async function testRange({ recipe, base }: LoadedRecipe, json: boolean): Promise<number> {
  const kind = kindOf(recipe.strategy);
  if (kind.isSolved?.(recipe.strategy))
    throw new LuthierError(
      'usage',
      'This recipe’s classifier is solved to its end, which takes no learning rate.',
      'Choose another strategy, or remove "solver": "lbfgs".',
    );
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const { search: _, ...one } = recipe;
  const trainer = await createTrainer({
    recipe: { ...one, max_steps: RANGE.steps },
    base,
    note: (level, message) => note(level === 'warning' ? message : dim(message)),
  });
  const bar = new ProgressLine('Range test');
  try {
    const { points, end } = await rangeTest(trainer, {
      signal: interrupt.signal,
      onPoint: (point) => {
        bar.update(point.step, RANGE.steps);
        if (json) printJson({ event: 'rate', ...point });
      },
    });
    bar.close();
    const suggested = suggestRates(points);
    // Pairs are learnt at a rate of the strategy's own.
    const key = kind.pairs?.(recipe.strategy) ? 'strategy.body_learning_rate' : 'learning_rate';
    if (json) {
      const last = { key, steps: points.length, end, ...suggested };
      printJson({ event: 'suggestion', learning_rate: suggested.steepest ?? suggested.tenth_of_lowest, ...last });
    } else {
      print(curve(points));
      tell(key, suggested, end);
    }
    return end === 'interrupted' ? EXIT.interrupted : EXIT.done;
  } finally {
    bar.close();
    trainer.dispose();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function tell(
  key: string,
  { steepest, tenth_of_lowest }: ReturnType<typeof suggestRates>,
  end: 'done' | 'diverged' | 'interrupted',
): void {
  if (end === 'done') note(`The loss did not diverge up to ${RANGE.last}.`);
  if (end === 'interrupted') note('Interrupted: the rates above are those that were tried.');
  if (steepest === null && tenth_of_lowest === null)
    return note('The loss did not fall at any of these rates, so none is suggested. More rows in a batch make its curve smoother.');
  if (steepest !== null) note(`The loss falls fastest at ${bold(String(steepest))}: a good ${key} to begin with.`);
  if (tenth_of_lowest !== null) note(`A tenth of the rate with the lowest loss: ${bold(String(tenth_of_lowest))}.`);
  note(dim(`For one run: --set ${key}=${steepest ?? tenth_of_lowest}. No model was saved.`));
}

/** The smoothed losses by rate, a line each. */
export function curve(points: readonly RatePoint[]): string {
  const every = Math.max(1, Math.ceil(points.length / LINES));
  const shown = points.filter((_, at) => at % every === 0 || at === points.length - 1);
  const highest = shown.reduce((most, { smoothed }) => Math.max(most, smoothed), 0) || 1;
  const lines = shown.map(
    ({ learning_rate, smoothed }) =>
      `${learning_rate.toExponential(1).padStart(8)}  ${smoothed.toFixed(4).padStart(8)}  ${'━'.repeat(Math.max(1, Math.round((WIDEST * smoothed) / highest)))}`,
  );
  return ['    rate      loss', ...lines].join('\n');
}
