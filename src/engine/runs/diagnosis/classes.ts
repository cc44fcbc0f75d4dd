import {
  type ClassMetrics,
  counted,
  type EvaluationReport,
  type Finding,
  fewRowsNote,
  formatMetric,
  formatPercent,
  largest,
  meanOf,
  TASKS,
  weighsClasses,
} from '../../../protocol/index.ts';
import { listed, quoted } from '../../data/problems.ts';
import { clopperPearson } from '../../evaluate/intervals.ts';
import type { Case, LabelCounts } from './case.ts';

/** Rows of a class up to which a classifier learns so little of it that other strategies do better (bench/NOTES.md, “Few rows”). */
const FEW_ROWS = 16;
/** Of the usual class's rows: a class that has fewer lacks rows beside the others, not with them. */
const OF_USUAL = 0.5;
/** So many times fewer rows than the most frequent class: from there on plain cross entropy is seen to leave classes out. */
const IMBALANCE = 5;
/** Classes that are named. */
const NAMED = 5;
/** How sure the model has to be of another class before the label is worth a look. */
const SURE = 0.95;
/** Of a model that errs more, or whose probabilities are further off, being sure says little about a label. */
const LEAST_ACCURACY = 0.7;
const MOST_CALIBRATION_ERROR = 0.1;
/** Rows whose places are told. */
const PLACES = 3;

/** One class: its training rows, and how its validation rows were answered. */
interface ClassSeen {
  label: string;
  count: number;
  support: number;
  right: number;
  f1: number | null;
}

/** What the classes say: too few rows of some, rare ones that are answered worse, labels to look at. */
export function classFindings(known: Case): Finding[] {
  const { report, labels } = known;
  if (report === undefined) return [];
  const classes = labels === null ? [] : classesSeen(report, labels);
  const few = fewRows(classes, known);
  const rare = few === null ? imbalance(classes, known) : null;
  return [few, rare, doubtfulLabels(report)].filter((finding) => finding !== null);
}

function classesSeen(report: EvaluationReport, labels: LabelCounts): ClassSeen[] {
  if (report.task === 'text-classification') {
    return report.per_class.map(({ label, support, f1 }, k) => ({
      ...{ label, support, f1, right: report.confusion[k]?.[k] ?? 0 },
      count: countOf(labels, label),
    }));
  }
  if (report.task === 'multi_label_classification')
    return report.per_class.map((of) => seen(of, countOf(labels, of.label)));
  if (report.task === 'token-classification')
    return report.per_class.map((of) => seen(of, labels.classes?.get(of.label) ?? 0));
  return [];
}

const seen = ({ label, support, f1, right }: ClassMetrics & { right: number }, count: number): ClassSeen => ({
  ...{ label, count, support, right, f1 },
});

const countOf = ({ labels, counts }: LabelCounts, label: string): number => counts[labels.indexOf(label)] ?? 0;

/** Whether some classes are answered worse than the others, by more than their number of rows makes likely. */
function areWorse(some: readonly ClassSeen[], others: readonly ClassSeen[]): boolean {
  const sum = (of: readonly ClassSeen[], key: 'right' | 'support') => of.reduce((total, one) => total + one[key], 0);
  const [rows, rest] = [sum(some, 'support'), sum(others, 'support')];
  return rows > 0 && rest > 0 && clopperPearson(sum(some, 'right'), rows).high < sum(others, 'right') / rest;
}

function fewRows(classes: readonly ClassSeen[], { task }: Case): Finding | null {
  const usual = medianOf(classes.map(({ count }) => count));
  const isFew = ({ count, support }: ClassSeen) =>
    count > 0 && support > 0 && count < Math.min(FEW_ROWS, OF_USUAL * usual);
  const few = classes.filter(isFew).sort((a, b) => a.count - b.count);
  const others = classes.filter((one) => !isFew(one));
  if (few.length === 0 || !areWorse(few, others)) return null;
  const [one, many] = classWords(task);
  const names = named(few);
  return {
    code: 'few-rows-of-classes',
    severity: 'warning',
    title: `Too few rows of ${names}`,
    text: `${few
      .slice(0, NAMED)
      .map((of) => rowsText(of, task.name === 'token-classification' ? 'training span' : `training ${task.row}`))
      .join(
        '; ',
      )}; the other ${many} have an F1 of ${scoreText(meanScore(others))} on average. More rows of ${few.length === 1 ? `that ${one}` : `those ${many}`} would help most.`,
    figures: {
      classes: few.length,
      training_rows: few.reduce((sum, { count }) => sum + count, 0),
      f1: meanScore(few) ?? 0,
      f1_of_others: meanScore(others) ?? 0,
    },
    change: { kind: 'data', title: 'Inspect Dataset' },
  };
}

/** A type of spans is called so: its labels are tags of words. */
const classWords = ({ name, label }: Case['task']): readonly [string, string] =>
  name === 'token-classification' ? ['type', 'types'] : label;

const named = (classes: readonly ClassSeen[]): string =>
  listed([
    ...classes.slice(0, NAMED).map(({ label }) => quoted(label)),
    ...(classes.length > NAMED ? [`${classes.length - NAMED} more`] : []),
  ]);

/** `“refund” has 6 training rows (F1 20.0 % on 2 held out)`. */
const rowsText = ({ label, count, support, f1 }: ClassSeen, row: string): string =>
  `${quoted(label)} has ${counted(count, row)} (F1 ${scoreText(f1)} on ${support} held out)`;

const scoreText = (score: number | null): string => (score === null ? '–' : formatMetric('f1', score));

function meanScore(classes: readonly ClassSeen[]): number | null {
  const scores = classes.flatMap(({ f1, support }) => (f1 === null || support === 0 ? [] : [f1]));
  return scores.length === 0 ? null : meanOf(scores);
}

const medianOf = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

function imbalance(classes: readonly ClassSeen[], { task, record }: Case): Finding | null {
  const most = largest(classes, ({ count }) => count, 0);
  const isRare = ({ count, support }: ClassSeen) => count > 0 && support > 0 && count * IMBALANCE <= most;
  const rare = classes.filter(isRare).sort((a, b) => a.count - b.count);
  const others = classes.filter((one) => !isRare(one));
  // Tags of words are weighted by words, most of which are outside of any span.
  if (rare.length === 0 || task.name === 'token-classification' || !areWorse(rare, others)) return null;
  const frequent = classes.find(({ count }) => count === most)!;
  const mayWeigh = weighsClasses(task.name) && record.recipe.class_weight === undefined;
  const [one, many] = task.label;
  const isOne = rare.length === 1;
  return {
    code: 'class-imbalance',
    severity: 'warning',
    title: isOne ? `The rare ${one} ${named(rare)} is answered worse` : `Rare ${many} are answered worse`,
    text: `${named(rare)} ${isOne ? 'has' : 'have'} at most a fifth of the rows of ${quoted(frequent.label)} (${counted(
      largest(rare, ({ count }) => count),
      task.row,
    )} or fewer, ${counted(most, task.row)}), and an F1 of ${scoreText(meanScore(rare))}${isOne ? '' : ' on average'}, the other ${many} of ${scoreText(meanScore(others))}.${mayWeigh ? ` With class_weight, errors in rare ${many} count more in training.` : ''}`,
    figures: {
      classes: rare.length,
      most_rows: most,
      fewest_rows: rare[0]!.count,
      f1: meanScore(rare) ?? 0,
      f1_of_others: meanScore(others) ?? 0,
    },
    change: mayWeigh
      ? { kind: 'recipe', title: 'Weigh the Classes and Train Again', set: { class_weight: 'balanced' } }
      : { kind: 'data', title: 'Inspect Dataset' },
  };
}

/** Rows whose label the model contradicts, being sure: after Northcutt et al. 2021, whose thresholds take all rows' scores. */
function doubtfulLabels(report: EvaluationReport): Finding | null {
  if (report.task !== TASKS[0].name || fewRowsNote(report.n) !== null) return null;
  const { metrics, worst, n } = report;
  if (metrics.accuracy < LEAST_ACCURACY || metrics.ece > MOST_CALIBRATION_ERROR) return null;
  const doubtful = worst.filter(({ label, predicted, score }) => label !== predicted && score >= SURE);
  if (doubtful.length === 0) return null;
  // Of rows with a lower loss than those that were kept nothing is known.
  const isAtLeast = doubtful.length === worst.length;
  const count = `${isAtLeast ? 'At least ' : ''}${counted(doubtful.length, 'row')}`;
  const places = doubtful
    .slice(0, PLACES)
    .map(
      ({ line, label, predicted, score }) =>
        `line ${line} (${quoted(label)}; the model says ${quoted(predicted)}, ${formatPercent(score)})`,
    );
  const rest = doubtful.length - places.length;
  return {
    code: 'doubtful-labels',
    severity: 'info',
    title: `Labels to look at: ${count.replace('At', 'at')}`,
    text: `${count} of ${n} held out ${doubtful.length === 1 ? 'has' : 'have'} a label that the model contradicts, being at least ${formatPercent(SURE, { maximumFractionDigits: 0 })} sure: ${listed([...places, ...(rest > 0 ? [`${rest} more`] : [])])}. Either the label is wrong, or the model is; its probabilities are off by ${formatMetric('ece', metrics.ece)} on average.`,
    figures: { rows: doubtful.length, measured: n, ece: metrics.ece },
    change: { kind: 'rows', title: 'Show the Rows' },
  };
}
