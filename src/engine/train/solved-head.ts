import { counted, formatMetric, type Note, type Recipe, type TaskName } from '../../protocol/index.ts';
import { answerNames } from '../models/architecture.ts';
import type { TaskModel } from '../runtime/model.ts';
import { classWeights } from '../tasks/class-weights.ts';
import type { AnyTask, LabelledItem } from '../tasks/task.ts';
import { type ChosenHead, chooseHead } from './choose-head.ts';
import type { HeadLoss } from './head-loss.ts';

/** What a task's head learns, where it is one class of several it is not named. */
const LOSSES: Partial<Record<TaskName, HeadLoss>> = { multi_label_classification: 'labels', regression: 'value' };

/** Rows whose features pass through what stands before the answers at once. */
const AT_ONCE = 512;

export interface SolvedHeadOptions {
  model: TaskModel;
  task: Pick<AnyTask, 'name'>;
  recipe: Pick<Recipe, 'class_weight' | 'label_smoothing_factor' | 'focal_gamma'>;
  labels: readonly string[];
  /** Training rows and, behind them, rows of the labels' names; and what the head is given for each: `[items, H]`. */
  items: readonly LabelledItem[];
  /** Training rows among them. */
  own: number;
  features: Float32Array;
  note: Note;
}

/**
 * Solves the layer that answers and leaves it in the model's store; how C was chosen is said.
 * @param between called between two solutions; what it throws ends the work, the store as it was
 * @throws LuthierError `recipe-invalid` for a class weight that fits no class
 */
export async function solvedHead(options: SolvedHeadOptions, between?: () => Promise<void>): Promise<ChosenHead> {
  const { model, task, recipe, labels, items, own, note } = options;
  const loss = LOSSES[task.name] ?? 'class';
  const { architecture, store } = model;
  const given = Float64Array.from(items.flatMap(({ labels }) => Array.from(labels)));
  const counts = loss === 'class' ? countLabels(given.subarray(0, own), labels.length) : [];
  const answers = answerNames(architecture);
  const weight = answers.find((name) => name.endsWith('.weight'))!;
  const bias = answers.find((name) => name.endsWith('.bias'));
  if (recipe.focal_gamma !== undefined)
    note(
      'warning',
      'focal_gamma is not used: a head that is solved has the cross entropy. Set strategy.solver to "adamw" to use it.',
    );
  const head = await chooseHead(
    {
      features: await pooled(model, options.features),
      ...{
        width: architecture.hiddenSize,
        outputs: model.numLabels,
        labels: given,
        loss,
        fittedAlone: items.length - own,
      },
      classWeights: loss === 'class' ? classWeights(recipe.class_weight, labels, counts) : null,
      smoothing: recipe.label_smoothing_factor,
      bias: bias !== undefined,
    },
    between,
  );
  store.get(weight).weight.set(head.weight);
  if (bias !== undefined) store.get(bias).weight.set(head.bias);
  note('info', chosen(head));
  if (!head.converged)
    note(
      'warning',
      `The classifier was not solved to its end in ${counted(head.iterations, 'iteration')}; the largest slope left is ${head.gradient.toPrecision(2)}.`,
    );
  return head;
}

function countLabels(given: Float64Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of given) counts[label]!++;
  return counts;
}

async function pooled(model: TaskModel, features: Float32Array): Promise<Float32Array> {
  const all = new Float32Array(features.length);
  const size = AT_ONCE * model.architecture.hiddenSize;
  for (let at = 0; at < features.length; at += size) all.set(await model.pooled(features.subarray(at, at + size)), at);
  return all;
}

function chosen({ choices, folds, rows, C, iterations }: ChosenHead): string {
  const solved = `The classifier is solved by L-BFGS in ${counted(iterations, 'iteration')}`;
  if (choices.length === 0)
    return `${solved} with C ${C}: there are too few training rows to choose it by cross-validation.`;
  const isAccuracy = choices[0]!.accuracy !== undefined;
  const tried = choices
    .map(
      ({ C, accuracy, loss }) =>
        `C ${C}: ${accuracy === undefined ? formatMetric('loss', loss) : formatMetric('accuracy', accuracy)}`,
    )
    .join(', ');
  return `${solved} with C ${C}, the best of a ${folds}-fold cross-validation on ${counted(rows, 'training row')} by ${isAccuracy ? 'accuracy' : 'loss'} (${tried}).`;
}
