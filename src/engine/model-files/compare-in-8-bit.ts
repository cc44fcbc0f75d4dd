import type { TaskModel } from '../runtime/model.ts';
import type { Roundings } from '../runtime/programs.ts';
import { chooseRounding, type InputColumns, narrowed, shiftOf, together } from '../runtime/rounding.ts';
import type { AnyTask, LabelledItem, TaskSettings } from '../tasks/task.ts';
import type { Rounding } from '../tensor/executors/executor.ts';
import { type EightBitCheck, MOST_CHANGED, MOST_DIFFERENCE } from './eight-bit.ts';

/** Rows that are compared at most, and training rows that the layers' inputs are known from. */
const MOST_ROWS = 256;
const BATCH = 64;
/** Below this share of its layers, computing a model in 8 bits is not worth its difference. */
const LEAST_LAYERS = 0.5;
/** How far below the bounds is aimed when layers are left in float. */
const AIM = 0.8;

export interface CompareOptions {
  labels: readonly string[];
  settings: TaskSettings;
  /** Validation rows, of which some are compared. */
  compared: readonly LabelledItem[];
  /** Training rows, from which what goes into the layers is known. */
  seen: readonly LabelledItem[];
}

type Compare = NonNullable<AnyTask['compare']>;

/**
 * Compares a model's answers in 8 bits with those in float. What goes into a layer is rounded as training rows say, so that
 * a text's answer depends on no other text, and rows that are compared say something about new ones. Where answers are too
 * far away, the layers that do most of it stay in float, as many as it takes.
 * @param model as it was read from its folder, on a backend that is fast in 8 bits
 */
export async function compareIn8Bit(
  model: TaskModel,
  compare: Compare,
  options: CompareOptions,
): Promise<{ check: EightBitCheck; roundings: Roundings }> {
  const seen = [...batches(spread(options.seen))];
  const groups = model.inputGroups();
  const all = await roundingsOf(model, groups, seen);
  const rows = [...batches(spread(options.compared))];
  const float: Float32Array[] = [];
  for (const batch of rows) float.push(await model.logits(batch));
  const check = async (roundings: Roundings): Promise<EightBitCheck> => {
    let [changed, furthest, count] = [0, 0, 0];
    for (const [i, batch] of rows.entries()) {
      const narrow = await model.logits(batch, roundings);
      const found = compare(batch, float[i]!, narrow, { labels: options.labels.length, settings: options.settings });
      changed += found.changed;
      furthest = Math.max(furthest, found.largest);
      count += batch.length;
    }
    return {
      used: changed <= MOST_CHANGED * count && furthest <= MOST_DIFFERENCE,
      ...{ rows: count, rows_changed: changed, largest_difference: Number(furthest.toPrecision(3)) },
      ...{ layers: roundings.size, of_layers: all.size },
    };
  };
  const whole = { check: await check(all), roundings: all };
  if (whole.check.used || seen.length === 0) return whole;
  const errors = await errorsOf(model, groups, all, seen[0]!);
  const most = mostLeft(errors, all.size);
  for (let left = leftAtFirst(errors, whole.check); ; left += Math.ceil(groups.length / 12)) {
    const out = new Set(errors.slice(0, Math.min(left, most)).flatMap(({ weights }) => weights));
    const roundings = new Map([...all].filter(([weight]) => !out.has(weight)));
    const some = { check: await check(roundings), roundings };
    if (some.check.used) return some;
    if (left >= most) return whole;
  }
}

/** How each layer rounds what goes into it, and what that takes from its outputs on average. */
async function roundingsOf(
  model: TaskModel,
  groups: readonly string[][],
  seen: readonly LabelledItem[][],
): Promise<Roundings> {
  const firsts = new Set(groups.map(([first]) => first!));
  const inputs = new Map<string, InputColumns>();
  for (const batch of seen)
    for (const [name, columns] of await model.linearInputs(batch, firsts)) {
      const known = inputs.get(name);
      inputs.set(name, known ? together(known, columns) : columns);
    }
  const chosen = new Map<string, Rounding>();
  for (const group of groups)
    chosen.set(
      group[0]!,
      chooseRounding(
        inputs.get(group[0]!)!,
        group.map((name) => model.linearWeight(name)),
      ),
    );
  const drifts = new Map<string, Float32Array>();
  for (const batch of seen)
    for (const [name, drift] of await model.inputDrift(batch, chosen)) {
      const known = drifts.get(name);
      drifts.set(name, known ? known.map((x, k) => x + drift[k]!) : drift);
    }
  const all = new Map<string, Rounding>();
  for (const group of groups) {
    const [first] = group as [string];
    const rounding = chosen.get(first)!;
    for (const name of group) {
      const weight = model.linearWeight(name);
      const shift = shiftOf(inputs.get(first)!, drifts.get(first)!, weight, rounding, narrowed(weight, rounding));
      all.set(name, { ...rounding, shift });
    }
  }
  return all;
}

/** Layers that read the same input, and the square of what they alone in 8 bits do to the logits; the largest first. */
interface LayersError {
  weights: readonly string[];
  square: number;
}

async function errorsOf(
  model: TaskModel,
  groups: readonly string[][],
  all: Roundings,
  batch: readonly LabelledItem[],
): Promise<LayersError[]> {
  const float = await model.logits(batch);
  const errors: LayersError[] = [];
  for (const weights of groups) {
    const narrow = await model.logits(batch, new Map(weights.map((name) => [name, all.get(name)!])));
    errors.push({ weights, square: narrow.reduce((sum, x, i) => sum + (x - float[i]!) ** 2, 0) });
  }
  return errors.sort((a, b) => b.square - a.square);
}

/** How many to leave in float at first, if the error of all is the root of the sum of theirs. */
function leftAtFirst(
  errors: readonly LayersError[],
  { rows, rows_changed, largest_difference }: EightBitCheck,
): number {
  const share = AIM * Math.min(MOST_DIFFERENCE / largest_difference, (MOST_CHANGED * rows) / rows_changed, 1);
  const total = errors.reduce((sum, { square }) => sum + square, 0);
  let rest = total;
  for (const [i, { square }] of errors.entries()) {
    rest -= square;
    if (rest <= share ** 2 * total) return i + 1;
  }
  return errors.length;
}

/** How many of them may be left in float. */
function mostLeft(errors: readonly LayersError[], layers: number): number {
  let rest = layers;
  const end = errors.findIndex(({ weights }) => {
    rest -= weights.length;
    return rest < LEAST_LAYERS * layers;
  });
  return end < 0 ? errors.length : end;
}

/** At most so many of a list as are looked at, evenly from all of it. */
function spread<T>(all: readonly T[]): T[] {
  const length = Math.min(MOST_ROWS, all.length);
  return Array.from({ length }, (_, i) => all[Math.floor((i * all.length) / length)]!);
}

function* batches<T>(rows: readonly T[]): Iterable<T[]> {
  for (let i = 0; i < rows.length; i += BATCH) yield rows.slice(i, i + BATCH);
}
