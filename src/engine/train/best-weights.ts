import { type EvaluationReport, type MetricKey, type Metrics, metricOf } from '../../protocol/index.ts';
import type { LoopState } from './loop-state.ts';

/** Of equal values the lower loss is better: easy data reach an accuracy of 1 long before they are learnt. */
export function isBetter(key: MetricKey, metrics: Metrics, best: Metrics | undefined): boolean {
  const value = metrics[key];
  const previous = best?.[key];
  if (value === undefined || Number.isNaN(value)) return false;
  if (previous === undefined) return true;
  if (value === previous && key !== 'loss') return isBetter('loss', metrics, best);
  return metricOf(key)?.better === 'lower' ? value < previous : value > previous;
}

/**
 * Notes an evaluation of the validation rows in the loop's state.
 * @param key the metric by which weights are best; null where the latest always are
 * @returns whether the evaluated weights are the best so far
 */
export function noteEvaluation(
  state: LoopState,
  { metrics, n }: Pick<EvaluationReport, 'metrics' | 'n'>,
  step: number,
  key: MetricKey | null,
): boolean {
  const better = key === null || isBetter(key, metrics, state.best?.metrics);
  state.evaluated_step = step;
  state.evaluations_without_improvement = better ? 0 : state.evaluations_without_improvement + 1;
  if (better) state.best = { step, metrics, n };
  return better;
}

/** Whether as many evaluations in a row as `early_stopping_patience` says were no better; 0 is never. */
export const isOutOfPatience = (state: LoopState, patience: number): boolean =>
  patience > 0 && state.evaluations_without_improvement >= patience;
