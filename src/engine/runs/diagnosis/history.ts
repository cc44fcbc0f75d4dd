import { type EvalEvent, meanOf, type RunEvent, type StepEvent } from '../../../protocol/index.ts';
import { effectiveEvents, type MetricsLine } from '../../../runs/metrics.ts';

export type Step = Pick<StepEvent, 'step' | 'loss'>;

/** The validation rows at one step. */
export interface Evaluation extends Pick<EvalEvent, 'step' | 'epoch' | 'n' | 'metrics'> {
  loss: number;
}

/** One training as its log tells it: a run's, a fold's, or that of the first of several seeds. */
export interface Training {
  /** Steps that pre-trained a prompt, whose losses are of something else. */
  before: number;
  steps: Step[];
  /** In order; those without a loss are left out. */
  evaluations: Evaluation[];
}

/**
 * The trainings of a log: one, or those of a cross-validation's folds, whose last model is measured on nothing. Of several
 * seeds the first is meant, whose model is the run's: all have the same rows, so they are no more evidence than one. What
 * a resumed run took back does not count.
 */
export function trainingsOf(lines: readonly MetricsLine[]): Training[] {
  const byFold = new Map<number, MetricsLine[]>();
  const first = lines.find(({ event }) => event.seed !== undefined)?.event.seed;
  for (const line of lines) {
    if (line.event.seed !== first) continue;
    const fold = line.event.fold ?? 0;
    const own = byFold.get(fold);
    if (own) own.push(line);
    else byFold.set(fold, [line]);
  }
  const folds = [...byFold.keys()].filter((fold) => fold > 0).sort((a, b) => a - b);
  return (folds.length > 0 ? folds : [0]).map((fold) => trainingOf(effectiveEvents(byFold.get(fold) ?? [])));
}

/** Losses are computed in float32: what is beyond its range is none, and sums of others stay finite. */
const isLoss = (value: number): boolean => Number.isFinite(Math.fround(value));

function trainingOf(events: readonly RunEvent[]): Training {
  const steps: Step[] = [];
  const evaluations = new Map<number, Evaluation>();
  const start = events.find(({ event }) => event === 'start');
  const before = (start?.event === 'start' && start.pretraining?.steps) || 0;
  for (const event of events) {
    if (event.event === 'step' && event.step > before && isLoss(event.loss))
      steps.push({ step: event.step, loss: event.loss });
    if (event.event !== 'eval' || event.split !== 'validation') continue;
    const { step, epoch, n, metrics } = event;
    const { loss } = metrics;
    if (loss !== undefined && isLoss(loss) && Number.isFinite(epoch))
      evaluations.set(step, { step, epoch, n, metrics, loss });
  }
  const inOrder = <T extends { step: number }>(all: Iterable<T>): T[] => [...all].sort((a, b) => a.step - b.step);
  return { before, steps: inOrder(steps), evaluations: inOrder(evaluations.values()) };
}

/** Steps whose losses are averaged: single batches differ too much to say anything. */
export interface Stretch {
  mean: number;
  /** Standard error of the mean. */
  error: number;
  /** The steps that it is of. */
  from: number;
  to: number;
}

/** As many as a run is divided into; each has at least so many logged steps. */
const STRETCHES = 20;
const LEAST_STEPS = 5;

/** A run's training losses in equal stretches; none of a run of fewer than two. */
export function stretchesOf(steps: readonly Step[]): Stretch[] {
  const size = Math.max(LEAST_STEPS, Math.ceil(steps.length / STRETCHES));
  const count = Math.floor(steps.length / size);
  if (count < 2) return [];
  return Array.from({ length: count }, (_, i) => {
    // What is left over belongs to the last one.
    const some = steps.slice(i * size, i === count - 1 ? steps.length : (i + 1) * size);
    const mean = meanOf(some.map(({ loss }) => loss));
    const squares = some.reduce((sum, { loss }) => sum + (loss - mean) ** 2, 0);
    const error = Math.sqrt(squares / (some.length - 1) / some.length);
    return { mean, error, from: some[0]!.step, to: some.at(-1)!.step };
  });
}

/** Mean training loss between two evaluations, the first excluded; null where nothing was logged. */
export function lossBetween(steps: readonly Step[], after: number, upTo: number): number | null {
  const some = steps.filter(({ step }) => step > after && step <= upTo);
  return some.length === 0 ? null : meanOf(some.map(({ loss }) => loss));
}
