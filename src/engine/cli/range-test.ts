import { rateCurve, rateSentences } from '../../protocol/index.ts';
import type { LoadedRecipe } from '../recipes/recipe.ts';
import { findRate } from '../train/find-rate.ts';
import { RANGE } from '../train/range-test.ts';
import { dim, EXIT, note, print, printJson } from './output.ts';
import { ProgressLine } from './progress-line.ts';

/** Finds a learning rate for a recipe, and shows the losses. Ctrl-C ends it with what is known. @returns the exit code */
export async function testRange({ recipe, base }: LoadedRecipe, json: boolean): Promise<number> {
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const bar = new ProgressLine('Range test');
  try {
    const { points, ...found } = await findRate({
      ...{ recipe, base, signal: interrupt.signal },
      note: (level, message) => note(level === 'warning' ? message : dim(message)),
      onPoint: (point) => {
        bar.update(point.step, RANGE.steps);
        if (json) printJson({ event: 'rate', ...point });
      },
    });
    bar.close();
    const { key, end, steepest, tenth_of_lowest } = found;
    const rate = steepest ?? tenth_of_lowest;
    if (json) printJson({ event: 'suggestion', learning_rate: rate, steps: points.length, ...found });
    else {
      print(rateCurve(points));
      for (const sentence of rateSentences(found)) note(sentence);
      if (rate !== null) note(dim(`For one run: --set ${key}=${rate}. No model was saved.`));
    }
    return end === 'interrupted' ? EXIT.interrupted : EXIT.done;
  } finally {
    bar.close();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
