import {
  type Finding,
  fewRowsNote,
  formatPercent,
  isBestPossible,
  meanOf,
  metricName,
  metricOf,
  smallest,
} from '../../../protocol/index.ts';
import { type Case, FAR, guessing, guessingLoss, learnsRows, type Rate, rateIn } from './case.ts';
import { longer, shorter } from './epochs.ts';
import { type Evaluation, lossBetween, type Training } from './history.ts';
import { lower, raise } from './learning-rate.ts';
import { figure } from './words.ts';

/** A rise of the validation loss that is worth a word, however many rows were measured. */
const RISE = 0.05;
/** A fall over the last epoch that another epoch is worth. */
const FALL = 0.03;
/** Of a single fall, where there is no earlier one that agrees with it. */
const SINGLE_FALL = 0.1;
/**
 * Of a loss's interval: how far two evaluations of the same rows, an epoch apart, differ by chance. Their errors go
 * together: where the rows' losses correlate by ρ, the difference has √(2(1 − ρ)) of one loss's error, half of it at 0.875.
 */
const OF_SAME_ROWS = 0.5;
/**
 * Of all that was learnt, which is how far the loss has come below that of guessing: an epoch that brought so much is worth
 * another one, however little it is of the loss itself. At first a loss falls slowly.
 */
const OF_LEARNT = 0.25;
/** Folds that agree by chance once in 32 times. */
const FOLDS_THAT_SAY_SOMETHING = 5;

/** Whether the model learnt its training rows by heart from some step on, or had not learnt all that it could. */
export function fitFinding(known: Case): Finding | null {
  const { record, trainings } = known;
  const rate = rateIn(known);
  if (rate === null || !learnsRows(record.recipe) || !saysSomething(trainings)) return null;
  return overfitting(known, rate) ?? stillFalling(known, rate);
}

/** Rows enough for one training; of a cross-validation folds enough, each with the same evaluations. */
function saysSomething(trainings: readonly Training[]): boolean {
  if (trainings.some(({ evaluations }) => evaluations.length < 2)) return false;
  if (trainings.length > 1) return trainings.length >= FOLDS_THAT_SAY_SOMETHING;
  return trainings[0]?.evaluations.every(({ n }) => fewRowsNote(n) === null) ?? false;
}

/** By how much a loss is uncertain because of which rows are measured, as a share of it; null where that is not known. */
function uncertainty({ report, trainings }: Case): number | null {
  // Each fold has rows of its own, and what all of them show is no chance.
  if (trainings.length > 1) return 0;
  const range = report?.intervals.loss;
  const loss = report?.metrics.loss;
  const share = range && loss ? (range.high - range.low) / 2 / loss : Number.NaN;
  return Number.isFinite(share) ? share : null;
}

const lowestOf = (evaluations: readonly Evaluation[]): Evaluation => {
  const least = smallest(evaluations.map(({ loss }) => loss));
  return evaluations.find(({ loss }) => loss === least)!;
};

function overfitting(known: Case, rate: Rate): Finding | null {
  const { record, trainings } = known;
  const uncertain = uncertainty(known);
  if (uncertain === null) return null;
  const seen = trainings.map((training) => overfit(training, Math.max(RISE, uncertain)));
  if (seen.some((one) => one === null)) return null;
  const mean = (of: (one: Overfit) => number) => meanOf(seen.map((one) => of(one!)));
  const { low, last } = seen[0]!;
  const { step, epoch } = low;
  const figures = {
    step,
    lowest_loss: mean(({ low }) => low.loss),
    last_loss: mean(({ last }) => last.loss),
    training_loss_then: mean(({ then }) => then),
    training_loss_last: mean(({ now }) => now),
  };
  const key = record.recipe.metric_for_best_model;
  const bestStep = trainings.length > 1 ? step : (record.best?.step ?? step);
  const isLater = bestStep > step;
  // Then more epochs made the answers no worse, whatever the loss says of how sure they are.
  const isAtEnd = isLater && bestStep >= last.step;
  const inFolds = trainings.length > 1 ? 'On average over the folds, the' : 'The';
  const after = isAtEnd
    ? ` Its ${metricName(key)} was best at the end all the same: it answers no worse, but is too sure of its errors.`
    : isLater
      ? ` Its ${metricName(key)} was best at step ${bestStep}.`
      : '';
  const change = isAtEnd
    ? null
    : (shorter(
        record,
        trainings[0]!,
        isLater ? { step: bestStep, epoch: epochOf(trainings, bestStep) } : { step, epoch },
      ) ??
      // Where the end of an epoch is too late already, smaller steps are what is left.
      lower(rate));
  return {
    code: 'overfitting',
    severity: isAtEnd ? 'info' : 'warning',
    title: `Overfitting since step ${step}`,
    text: `${inFolds} validation loss was lowest at step ${step} (${figure(figures.lowest_loss)}) and rose to ${figure(figures.last_loss)} by step ${last.step}, while the training loss fell from ${figure(figures.training_loss_then)} to ${figure(figures.training_loss_last)}.${after}`,
    figures,
    ...(change && { change }),
  };
}

const epochOf = (trainings: readonly Training[], step: number): number =>
  trainings[0]!.evaluations.find((evaluation) => evaluation.step === step)?.epoch ?? Number.POSITIVE_INFINITY;

interface Overfit {
  low: Evaluation;
  last: Evaluation;
  /** Training losses up to the lowest evaluation, and at the end, each since the evaluation before it. */
  then: number;
  now: number;
}

function overfit({ steps, evaluations }: Training, rise: number): Overfit | null {
  const low = lowestOf(evaluations);
  const last = evaluations.at(-1)!;
  if (last.loss <= low.loss * (1 + rise)) return null;
  const before = (step: number) => evaluations.findLast((evaluation) => evaluation.step < step)?.step ?? 0;
  const then = lossBetween(steps, before(low.step), low.step);
  const now = lossBetween(steps, before(last.step), last.step);
  return then !== null && now !== null && now < then ? { low, last, then, now } : null;
}

function stillFalling(known: Case, rate: Rate): Finding | null {
  const { record, trainings } = known;
  const uncertain = uncertainty(known);
  if (uncertain === null || record.state !== 'done') return null;
  const guess = guessingLoss(known);
  const asked = { noise: OF_SAME_ROWS * uncertain, isAlone: trainings.length === 1, guess };
  const seen = trainings.map((training) => falling(training, asked));
  if (seen.some((one) => one === null)) return null;
  // What answers every row right has nothing to gain, however sure it may still become.
  const { metric_for_best_model: key } = record.recipe;
  if (trainings.every(({ evaluations }) => isBestPossible(key, evaluations.at(-1)!.metrics[key]))) return null;
  const mean = (of: (one: Fall) => number) => meanOf(seen.map((one) => of(one!)));
  const { before, last } = seen[0]!;
  const loss = mean(({ last }) => last.loss);
  const earlier = mean(({ before }) => before.loss);
  const fall = 1 - loss / earlier;
  const { num_train_epochs: epochs } = record.recipe;
  const hasBegun = seen.every((one) => one!.hasBegun);
  const more = epochsToGo(
    mean(({ ratio }) => ratio),
    fall,
    Math.max(1, Math.round(last.epoch)),
  );
  const isSlow = rate.value * FAR <= rate.usual;
  const best = record.best?.step === last.step && metricOf(key) && key !== 'loss' && trainings.length === 1;
  const inFolds = trainings.length > 1 ? 'On average over the folds, the' : 'The';
  return {
    code: 'still-falling',
    severity: 'warning',
    title: 'Still improving when it ended',
    text: `${inFolds} validation loss was still falling: ${figure(earlier)} after ${epochText(before.epoch)}, ${figure(loss)} after ${epochText(last.epoch)} (−${formatPercent(fall)}).${hasBegun ? ` It has learned little yet: ${guessing(known.task)} has ${figure(guess!)}.` : ''}${best ? ` Its ${metricName(key)} was best at the end, too.` : ''}${isSlow ? ` The learning rate is far below the usual one, so that it learns slowly.` : ''}`,
    figures: { step: last.step, earlier_loss: earlier, last_loss: loss, fall, epochs, more_epochs: more },
    change: isSlow ? raise(rate) : longer(record, trainings[0]!, more),
  };
}

const epochText = (epoch: number): string => {
  const shown = Number(epoch.toFixed(2));
  return `${shown} ${shown === 1 ? 'epoch' : 'epochs'}`;
};

interface Fall {
  /** About an epoch before the last, or the first where there is none so early. */
  before: Evaluation;
  last: Evaluation;
  /** The last epoch's fall over that of the one before, where both are known: falls shrink by about that much. */
  ratio: number;
  /** The loss is not far below that of guessing, and a good part of the way was the last epoch's. */
  hasBegun: boolean;
}

/** A fall shrinks by half from epoch to epoch where only one is known. */
const USUAL_RATIO = 0.5;

interface Asked {
  /** Of a loss, by how much it differs by chance. */
  noise: number;
  /** Not one of several trainings that agree. */
  isAlone: boolean;
  guess: number | null;
}

function falling({ evaluations }: Training, { noise, isAlone, guess }: Asked): Fall | null {
  const last = evaluations.at(-1)!;
  if (lowestOf(evaluations) !== last) return null;
  const back = (from: Evaluation) =>
    evaluations.findLast(({ epoch }) => epoch <= from.epoch - 1 + 1e-6) ??
    (evaluations[0]!.step < from.step ? evaluations[0]! : null);
  const before = back(last);
  if (before === null) return null;
  const earlier = back(before);
  const gain = before.loss - last.loss;
  const hasBegun = guess !== null && gain >= OF_LEARNT * (guess - last.loss) && last.loss > guess / 2;
  const worth = earlier === null && isAlone ? SINGLE_FALL : FALL;
  if (gain < before.loss * (hasBegun ? noise : Math.max(noise, worth))) return null;
  if (earlier === null) return { before, last, hasBegun, ratio: USUAL_RATIO };
  // One that went up before and comes down again is noise.
  if (before.loss >= earlier.loss) return null;
  return { before, last, hasBegun, ratio: gain / (earlier.loss - before.loss) };
}

/**
 * Epochs until a further one is worth less than `FALL`, were the falls to shrink on as they did; never more than the run
 * had, as nothing that was seen reaches further, and as many of one whose loss has only begun to fall.
 */
function epochsToGo(ratio: number, fall: number, had: number): number {
  if (fall < FALL) return had;
  const shrinks = Math.min(0.9, Math.max(0.1, ratio));
  const epochs = Math.ceil(Math.log(FALL / fall) / Math.log(shrinks));
  return Math.min(had, Math.max(1, epochs));
}
