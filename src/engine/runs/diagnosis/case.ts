import {
  type EvaluationReport,
  type RatePath,
  type Recipe,
  type RunRecord,
  rateOf,
  ratePath,
  suggestedTraining,
  type TaskDescription,
  type TaskName,
  weighsClasses,
} from '../../../protocol/index.ts';
import { kindOf } from '../../strategies/index.ts';
import { USUAL_FACTS } from '../../strategies/kind.ts';
import type { Training } from './history.ts';

/** How often each label stands in the training rows: classes and labels by rows, tags by words. */
export interface LabelCounts {
  labels: readonly string[];
  counts: readonly number[];
  rows: number;
  /** How often each class of a report stands there, where classes are not labels: types of spans. */
  classes?: ReadonlyMap<string, number>;
}

/** What is known of a finished run. */
export interface Case {
  record: Pick<RunRecord, 'state' | 'recipe' | 'error' | 'best' | 'folds' | 'step'>;
  task: TaskDescription & { readonly name: TaskName };
  trainings: readonly Training[];
  /** Of the validation rows, by the best weights; of a cross-validation all folds' answers. */
  report: EvaluationReport | undefined;
  labels: LabelCounts | null;
  /** Rows that are trained on, and the model's parameters; 0 where that is not known. */
  rows: number;
  parameters: number;
}

/** Learning rates are searched in such steps (1, 3, 10): one this far from the usual is another one. */
export const FAR = 3;

/** What decides how far a step goes: the recipe's learning rate, or that of the pairs that a strategy learns from. */
export interface Rate {
  key: RatePath;
  value: number;
  /** What every door would suggest for this strategy, model and number of rows. */
  usual: number;
}

/** Null where a head is solved, which has no rate. */
export function rateIn({ record, task, rows, parameters }: Case): Rate | null {
  const { recipe } = record;
  const { strategy } = recipe;
  const rate = rateOf(recipe);
  if (rate === null) return null;
  const kind = kindOf(strategy);
  const writes = task.writes !== undefined;
  const facts = { ...USUAL_FACTS, writes, isDecoder: writes, parameters };
  if (rate.key === 'body_learning_rate') {
    const usual = kind.pairs!(kind.suggest(facts)).body_learning_rate;
    return { key: ratePath(rate), value: rate.value ?? usual, usual };
  }
  const own = kind.learningRate?.(facts);
  const suggestion = { strategy, ...(own !== undefined && { learning_rate: own }) };
  const { learning_rate: usual } = suggestedTraining(rows, suggestion, recipe.model, task.name);
  return { key: ratePath(rate), value: recipe.learning_rate, usual };
}

/** Whether steps learn from rows by a learning rate: pairs have one of their own, and a head that is solved has none. */
export const learnsRows = (recipe: Pick<Recipe, 'strategy'>): boolean => rateOf(recipe)?.key === 'learning_rate';

/** Whether the training loss is what an evaluation's is, so that the two and the loss of guessing can be compared. */
export const isPlainLoss = ({ label_smoothing_factor, class_weight, focal_gamma }: Recipe): boolean =>
  !label_smoothing_factor && class_weight === undefined && !focal_gamma;

/** Whose loss `guessingLoss` is. */
export const guessing = ({ name }: Pick<Case['task'], 'name'>): string =>
  name === 'regression' ? 'always answering the mean' : 'guessing by how often each label occurs';

/**
 * Loss of whoever knows nothing but how often each label occurs: the entropy of the classes, of several labels the mean
 * of theirs, of numbers the squared error of their mean. Null where there is no such thing, or it is not known.
 */
export function guessingLoss({ task, labels, report }: Pick<Case, 'task' | 'labels' | 'report'>): number | null {
  if (report?.task === 'regression') return report.mean.mse > 0 ? report.mean.mse : null;
  if (labels === null || task.writes !== undefined || task.name === 'regression') return null;
  const { counts, rows } = labels;
  const plogp = (p: number): number => (p > 0 ? p * Math.log(p) : 0);
  const total = counts.reduce((a, b) => a + b, 0);
  if (total === 0) return null;
  const each = weighsClasses(task.name)
    ? counts.map((count) => -plogp(count / total))
    : counts.map((count) => (-plogp(count / rows) - plogp(1 - count / rows)) / counts.length);
  const loss = each.reduce((a, b) => a + b, 0);
  // Of one class alone there is nothing to guess.
  return loss > 0 ? loss : null;
}
