import { join } from 'node:path';
import { writeJson } from '../../files/write-file.ts';
import { counted, formatCount } from '../../protocol/index.ts';
import { isRecord, readJsonRecord } from '../hub/json-file.ts';
import { CONFIG_FILE, type ModelConfig } from '../hub/model-folder.ts';
import { isLayerWeight } from '../models/architecture.ts';
import { OWN_KEY } from '../models/config.ts';
import type { TaskModel } from '../runtime/model.ts';
import type { LinearRanges } from '../runtime/programs.ts';
import type { AnyTask, LabelledItem, TaskSettings } from '../tasks/task.ts';
import type { Range } from '../tensor/executors/executor.ts';
import type { OpenModel } from './open-model.ts';

/** What was found when a written model's answers in 8 bits were compared with those in float. */
export interface EightBitCheck {
  /** Whether they are near enough, so that predictions are computed in 8 bits. */
  used: boolean;
  /** Validation rows that were compared. */
  rows: number;
  /** Of them, those of which any label was another one. */
  rows_changed: number;
  /** Largest difference of a probability. */
  largest_difference: number;
}

/** The same with what its predictions are computed by; it lies in the model's config.json. */
export interface EightBitEntry extends EightBitCheck {
  /** What goes into each linear layer, by the name of its weight; there where it is used. */
  ranges?: Record<string, Range>;
}

/** Share of the compared rows that may have another label. */
export const MOST_CHANGED = 0.01;
/** What a probability may differ by. */
export const MOST_DIFFERENCE = 0.05;
/** Rows that are compared at most, and training rows that ranges are taken from. */
const MOST_ROWS = 256;
const BATCH = 64;
const KEY = 'predict_in_8bit';

export interface CompareOptions {
  labels: readonly string[];
  settings: TaskSettings;
  /** Validation rows, of which some are compared. */
  compared: readonly LabelledItem[];
  /** Training rows, from which what goes into the layers is known. */
  seen: readonly LabelledItem[];
}

/**
 * Compares a model's answers in 8 bits with those in float. What goes into a layer is rounded by the range that it has on
 * training rows, so that a text's answer depends on no other text, and rows that are compared say something about new ones.
 * @param model as it was read from its folder, on a backend that is fast in 8 bits
 */
export async function compareIn8Bit(
  model: TaskModel,
  compare: NonNullable<AnyTask['compare']>,
  { labels, settings, compared, seen }: CompareOptions,
): Promise<EightBitEntry> {
  const ranges = new Map<string, Range>();
  for (const batch of batches(spread(seen))) {
    for (const [name, [low, high]] of await model.linearRanges(batch)) {
      const [lowest, highest] = ranges.get(name) ?? [0, 0];
      ranges.set(name, [Math.min(low, lowest), Math.max(high, highest)]);
    }
  }
  const rows = spread(compared);
  let [changed, furthest] = [0, 0];
  for (const batch of batches(rows)) {
    const [float, narrow] = [await model.logits(batch), await model.logits(batch, ranges)];
    const found = compare(batch, float, narrow, { labels: labels.length, settings });
    changed += found.changed;
    furthest = Math.max(furthest, found.largest);
  }
  const used = changed <= MOST_CHANGED * rows.length && furthest <= MOST_DIFFERENCE;
  return {
    ...{ used, rows: rows.length, rows_changed: changed, largest_difference: Number(furthest.toPrecision(3)) },
    ...(used && { ranges: Object.fromEntries(ranges) }),
  };
}

/** At most so many of a list as are looked at, evenly from all of it. */
function spread<T>(all: readonly T[]): T[] {
  const length = Math.min(MOST_ROWS, all.length);
  return Array.from({ length }, (_, i) => all[Math.floor((i * all.length) / length)]!);
}

function* batches<T>(rows: readonly T[]): Iterable<T[]> {
  for (let i = 0; i < rows.length; i += BATCH) yield rows.slice(i, i + BATCH);
}

/** Writes what was found into a model's folder. */
export async function keepEightBit(folder: string, entry: EightBitEntry): Promise<void> {
  const path = join(folder, CONFIG_FILE);
  const config = await readJsonRecord(path);
  await writeJson(path, { ...config, [OWN_KEY]: { ...(config[OWN_KEY] as object | undefined), [KEY]: entry } });
}

/** What a model's folder says of its predictions in 8 bits; undefined where nothing, or not as it should be. */
export function eightBitOf(config: ModelConfig): EightBitEntry | undefined {
  const own = config[OWN_KEY];
  const entry = isRecord(own) ? own[KEY] : undefined;
  if (!isRecord(entry)) return undefined;
  const { used, rows, rows_changed, largest_difference, ranges } = entry;
  if (typeof used !== 'boolean' || !isCount(rows) || !isCount(rows_changed)) return undefined;
  if (typeof largest_difference !== 'number' || !(largest_difference >= 0)) return undefined;
  if (used && !(isRecord(ranges) && Object.values(ranges).every(isRange))) return undefined;
  return {
    ...{ used, rows, rows_changed, largest_difference },
    ...(used && { ranges: ranges as Record<string, Range> }),
  };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const isRange = (value: unknown): value is Range =>
  Array.isArray(value) &&
  value.length === 2 &&
  value.every((end) => Number.isFinite(end)) &&
  (value[0] as number) <= 0 &&
  (value[1] as number) >= 0;

/** What was found, as a sentence goes on. */
export const eightBitFigures = ({ rows, rows_changed, largest_difference }: EightBitCheck): string =>
  `on ${counted(rows, 'validation row')}, ${formatCount(rows_changed)} ${rows_changed === 1 ? 'has' : 'have'} another label than in float, and probabilities differ by at most ${largest_difference}`;

/** Why the answers of a written model were not compared. */
export type NotCompared = 'no-rows' | 'not-fast';

const WHY_NOT: Record<NotCompared, string> = {
  'no-rows': 'there are no validation rows to compare answers on',
  'not-fast': 'this processor or backend has no fast products in 8 bits, so answers were not compared',
};

/** What a run says when it has written its model. */
export function sayEightBit(found: EightBitCheck | NotCompared): [level: 'info' | 'warning', message: string] {
  if (typeof found === 'string') return ['warning', `${KEY}: ${WHY_NOT[found]}; predictions stay in float.`];
  const figures = eightBitFigures(found);
  return found.used
    ? ['info', `Predictions are computed with weights in 8 bits: ${figures}.`]
    : [
        'warning',
        `${KEY}: ${figures}. At most ${100 * MOST_CHANGED} % of the rows and ${MOST_DIFFERENCE} are allowed; predictions stay in float.`,
      ];
}

/** How a model's predictions are computed. */
export interface Computed {
  /** In float where it is left out. */
  eightBit?: LinearRanges;
  /** What to say of it; nothing where its folder does not mention 8 bits. */
  said?: string;
}

/** How to compute a model's predictions, by what its folder says and what this machine can do. */
export async function predictionsOf({ model, config }: Pick<OpenModel, 'model' | 'config'>): Promise<Computed> {
  const entry = eightBitOf(config);
  if (!entry) return {};
  const figures = eightBitFigures(entry);
  if (!entry.used) return { said: `Computed in float: with weights in 8 bits, ${figures}.` };
  if (!(await model.isFastIn8Bit()))
    return { said: 'Computed in float: this processor or backend has no fast products in 8 bits.' };
  const isMeant = isLayerWeight(model.architecture);
  const ranges = new Map(Object.entries(entry.ranges ?? {}));
  const layers = [...model.declaration().parameters.keys()].filter(isMeant);
  if (layers.length !== ranges.size || !layers.every((name) => ranges.has(name)))
    return { said: 'Computed in float: what config.json says of 8 bits is about other layers.' };
  return { eightBit: ranges, said: `Computed with weights in 8 bits: ${figures}.` };
}
