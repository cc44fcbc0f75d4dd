import { type Change, counted, type Finding, fewRowsNote, largest, smallest } from '../../../protocol/index.ts';
import { type Case, FAR, guessing, guessingLoss, isPlainLoss, learnsRows, type Rate, rateIn } from './case.ts';
import { moreEpochs } from './epochs.ts';
import { lossBetween, stretchesOf, type Training } from './history.ts';
import { figure, rate as written } from './words.ts';

/** Two means of losses differ where so many standard errors lie between them: by chance that happens once in 400 times. */
const ERRORS_APART = 3;
/** A loss that ends so much above its beginning has not just come back to it. */
const RISEN = 1.1;
/** So many times the lowest mean, after the loss had fallen to half of its beginning: a jump, no noisy batch. */
const JUMP = 2;
/** Of the loss of guessing: what counts as not below it, a hair being chance. */
const NEVER_BELOW = 0.98;
/** The same of the training loss, which dropout raises. */
const NEVER_LEARNT = 0.95;
/** A language model has learnt hardly anything where its loss fell by less; a usual first epoch takes some per cent. */
const HARDLY_MOVED = 0.01;
/** Steps in which a fresh classifier can hardly have learnt anything, whatever the learning rate. */
const FEW_STEPS = 30;

/** Whether the learning rate was too high or too low, as far as the losses say so. */
export function learningRateFinding(known: Case): Finding | null {
  const rate = rateIn(known);
  if (rate === null) return null;
  if (known.record.error?.code === 'loss-not-finite') return diverged(known, rate);
  if (!learnsRows(known.record.recipe) || known.trainings.length === 0) return null;
  return unstable(known, rate) ?? neverLearnt(known, rate) ?? hardlyMoved(known, rate);
}

function diverged({ record }: Case, rate: Rate): Finding {
  const step = record.step + 1;
  const isFarBelow = rate.value * FAR <= rate.usual;
  return {
    code: 'learning-rate-high',
    severity: 'warning',
    title: isFarBelow ? 'The training diverged' : 'Learning rate too high',
    text: `The training diverged at step ${step}: its loss or gradient was no number any more. ${rateText(rate)}`,
    figures: { step, ...ratesOf(rate) },
    change: lower(rate),
  };
}

/** The loss rose over the run, fell and jumped up again, or swung; in a cross-validation in every fold. */
function unstable({ trainings }: Case, rate: Rate): Finding | null {
  const signs = trainings.map((training) => rise(training) ?? jump(training) ?? swing(training));
  if (signs.some((sign) => sign === null)) return null;
  const { text, figures } = signs[0]!;
  const where = trainings.length > 1 ? 'In every fold, as in the first: ' : '';
  return {
    code: 'learning-rate-high',
    severity: 'warning',
    title: 'Learning rate too high',
    text: `${where}${text} ${rateText(rate)}`,
    figures: { ...figures, ...ratesOf(rate) },
    change: lower(rate),
  };
}

interface Sign {
  text: string;
  figures: Record<string, number>;
}

function rise({ steps }: Training): Sign | null {
  const stretches = stretchesOf(steps);
  const [first, last] = [stretches[0], stretches.at(-1)];
  if (!first || !last) return null;
  if (last.mean < RISEN * first.mean || last.mean - first.mean < ERRORS_APART * Math.hypot(first.error, last.error))
    return null;
  return {
    text: `The training loss ended higher than it began: ${figure(first.mean)} up to step ${first.to}, ${figure(last.mean)} from step ${last.from} on.`,
    figures: { first_loss: first.mean, last_loss: last.mean },
  };
}

function jump({ steps }: Training): Sign | null {
  const stretches = stretchesOf(steps);
  let [low] = stretches;
  for (const next of stretches) {
    const begins = stretches[0]!.mean;
    const isFallen = low!.mean < begins / JUMP;
    const apart = next.mean - low!.mean > ERRORS_APART * Math.hypot(next.error, low!.error);
    if (isFallen && apart && next.mean > JUMP * low!.mean && next.mean > begins / JUMP) {
      return {
        text: `The training loss had fallen to ${figure(low!.mean)} by step ${low!.to} and jumped to ${figure(next.mean)} (steps ${next.from} to ${next.to}).`,
        figures: { lowest_loss: low!.mean, jumped_to: next.mean, step: next.from },
      };
    }
    if (next.mean < low!.mean) low = next;
  }
  return null;
}

/**
 * The validation loss ends at twice its lowest or more, and the training loss rose with it, above that lowest: what a
 * model learns by heart has a training loss that falls.
 */
function swing({ steps, evaluations }: Training): Sign | null {
  if (evaluations.length < 3 || evaluations.some(({ n }) => fewRowsNote(n) !== null)) return null;
  const least = smallest(evaluations.map(({ loss }) => loss));
  const at = evaluations.findIndex(({ loss }) => loss === least);
  const [low, last] = [evaluations[at]!, evaluations.at(-1)!];
  const then = lossBetween(steps, evaluations[at - 1]?.step ?? 0, low.step);
  const now = lossBetween(steps, evaluations.at(-2)!.step, last.step);
  if (last.loss < JUMP * least || then === null || now === null || now <= then || now <= least) return null;
  return {
    text: `The validation loss was lowest at step ${low.step} (${figure(least)}) and rose to ${figure(last.loss)} by step ${last.step}, and the training loss rose with it, from ${figure(then)} to ${figure(now)}.`,
    figures: {
      step: low.step,
      lowest_loss: least,
      last_loss: last.loss,
      training_loss_then: then,
      training_loss_last: now,
    },
  };
}

/** The model does not answer better than guessing does, and has not learnt its training rows either. */
function neverLearnt(known: Case, rate: Rate): Finding | null {
  const { record, trainings } = known;
  const guess = guessingLoss(known);
  if (guess === null) return null;
  const all = trainings.flatMap(({ evaluations }) => evaluations);
  const validated = all.filter(({ n }) => fewRowsNote(n) === null).map(({ loss }) => loss);
  const stretches = isPlainLoss(record.recipe) ? trainings.map(({ steps }) => stretchesOf(steps)) : [];
  const trained = stretches.flatMap((some) => (some.length === 0 ? [] : [some.at(-1)!.mean]));
  if (validated.length + trained.length === 0) return null;
  if (smallest(validated) < NEVER_BELOW * guess || smallest(trained) < NEVER_LEARNT * guess) return null;
  const reached = validated.length > 0 ? smallest(validated) : smallest(trained);
  const which = validated.length > 0 ? 'validation' : 'training';
  const fact = `The ${which} loss was ${figure(reached)} at best; ${guessing(known.task)} has ${figure(guess)}.`;
  const figures = { loss: reached, guessing_loss: guess, ...ratesOf(rate) };
  const first = stretches[0]?.[0];
  const peak = largest(stretches[0] ?? [], ({ mean }) => mean, 0);
  const hasRisen = first !== undefined && peak > RISEN * first.mean && rate.value >= rate.usual;
  if (rate.value >= FAR * rate.usual || hasRisen) {
    return {
      code: 'learning-rate-high',
      severity: 'warning',
      title: 'Learning rate too high',
      text: `${fact} ${rateText(rate)}`,
      figures,
      change: lower(rate),
    };
  }
  const isLow = rate.value * 2 <= rate.usual;
  const steps = trainings[0]!.steps.at(-1)?.step ?? 0;
  const longer = !isLow && steps < FEW_STEPS ? moreEpochs(known, trainings[0]!, FAR - 1) : null;
  const why = longer
    ? `It had only ${counted(steps, 'step')}.`
    : `${rateText(rate)}${isLow ? '' : ' Either it needs larger steps, or the texts do not tell the labels.'}`;
  return {
    code: 'learning-rate-low',
    severity: 'warning',
    title: isLow ? 'Learning rate too low' : 'Nothing was learned yet',
    text: `${fact} ${why}`,
    figures,
    change: longer ?? raise(rate),
  };
}

/** Of a model that writes there is no loss of guessing: its own first one, where the rate is far below the usual. */
function hardlyMoved({ task, trainings }: Case, rate: Rate): Finding | null {
  if (task.writes === undefined || rate.value * FAR > rate.usual) return null;
  const moved = trainings.map(({ steps, evaluations }) => {
    const measured = evaluations.filter(({ n }) => fewRowsNote(n) === null).map(({ loss }) => loss);
    const losses = measured.length > 1 ? measured : stretchesOf(steps).map(({ mean }) => mean);
    return losses.length < 2 ? null : { first: losses[0]!, last: losses.at(-1)!, ofRows: measured.length > 1 };
  });
  if (moved.some((one) => one === null || one.first - one.last >= HARDLY_MOVED * one.first)) return null;
  const { first, last, ofRows } = moved[0]!;
  return {
    code: 'learning-rate-low',
    severity: 'warning',
    title: 'Learning rate too low',
    text: `The ${ofRows ? 'validation' : 'training'} loss ${figure(first) === figure(last) ? `stayed at ${figure(last)}` : `hardly moved: ${figure(first)} at first, ${figure(last)} at the end`}. ${rateText(rate)}`,
    figures: { first_loss: first, last_loss: last, ...ratesOf(rate) },
    change: raise(rate),
  };
}

const ratesOf = ({ value, usual }: Rate) => ({ learning_rate: value, usual_learning_rate: usual });

const rateText = ({ key, value, usual }: Rate): string =>
  `${key.replace('strategy.', '')} is ${written(value)}${value === usual ? ', which is usual' : `; ${written(usual)} is usual`} for this strategy, model and number of rows.`;

/** The usual rate where this one is far above it, else half of it. */
export function lower({ key, value, usual }: Rate): Change {
  const isFar = value >= FAR * usual;
  const next = isFar ? usual : value / 2;
  const title = isFar ? `Train Again at Learning Rate ${written(next)}` : 'Halve the Learning Rate and Train Again';
  return { kind: 'recipe', title, set: { [key]: rounded(next) } };
}

/** The usual rate where this one is below it, else the next one that a search would try. */
export function raise({ key, value, usual }: Rate): Change {
  const next = rounded(value * 2 <= usual ? usual : value * FAR);
  return { kind: 'recipe', title: `Train Again at Learning Rate ${written(next)}`, set: { [key]: next } };
}

const rounded = (value: number): number => Number(value.toPrecision(3));
