import { join } from 'node:path';
import { writeJson } from '../../files/write-file.ts';
import { counted, formatCount, formatPercent, formatSignificant, LuthierError } from '../../protocol/index.ts';
import { isRecord, readJsonRecord } from '../hub/json-file.ts';
import { CONFIG_FILE, EIGHT_BIT_FILE, type ModelConfig } from '../hub/model-folder.ts';
import { OWN_KEY } from '../models/config.ts';
import type { Roundings } from '../runtime/programs.ts';
import { readRoundings, writeRoundings } from './eight-bit-file.ts';
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
  /** Linear layers that were computed in 8 bits, and how many there are, the head's apart. */
  layers: number;
  of_layers: number;
}

/** Share of the compared rows that may have another label. */
export const MOST_CHANGED = 0.01;
/** What a probability may differ by. */
export const MOST_DIFFERENCE = 0.05;
const KEY = 'predict_in_8bit';

/** Writes what was found into a model's folder, and where it is used how layers round. */
export async function keepEightBit(folder: string, check: EightBitCheck, roundings?: Roundings): Promise<void> {
  if (roundings) await writeRoundings(folder, roundings);
  const path = join(folder, CONFIG_FILE);
  const config = await readJsonRecord(path);
  await writeJson(path, { ...config, [OWN_KEY]: { ...(config[OWN_KEY] as object | undefined), [KEY]: check } });
}

const mentions = ({ [OWN_KEY]: own }: ModelConfig): boolean => isRecord(own) && own[KEY] !== undefined;

/** What a model's folder says of its predictions in 8 bits; undefined where nothing, or not as it should be. */
export function eightBitOf(config: ModelConfig): EightBitCheck | undefined {
  const own = config[OWN_KEY];
  const entry = isRecord(own) ? own[KEY] : undefined;
  if (!isRecord(entry)) return undefined;
  const { used, rows, rows_changed, largest_difference, layers, of_layers } = entry;
  if (typeof used !== 'boolean' || !isCount(rows) || !isCount(rows_changed)) return undefined;
  if (typeof largest_difference !== 'number' || !(largest_difference >= 0)) return undefined;
  if (!isCount(layers) || !isCount(of_layers) || layers > of_layers) return undefined;
  return { used, rows, rows_changed, largest_difference, layers, of_layers };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** What is computed in 8 bits, as a sentence goes on. */
export const eightBitLayers = ({ layers, of_layers }: EightBitCheck): string =>
  layers === of_layers ? 'weights in 8 bits' : `${layers} of ${counted(of_layers, 'linear layer')} in 8 bits`;

/** The distance of two probabilities, which are written as percentages. */
const points = (difference: number): string => `${formatSignificant(100 * difference)} percentage points`;

/** What was found, as a sentence goes on. */
export const eightBitFigures = ({ rows, rows_changed, largest_difference }: EightBitCheck): string =>
  `on ${counted(rows, 'validation row')}, ${formatCount(rows_changed)} ${rows_changed === 1 ? 'has' : 'have'} another label than in float, and probabilities differ by at most ${points(largest_difference)}`;

/** Why the answers of a written model were not compared. */
export type NotCompared = 'no-rows' | 'not-fast';

const WHY_NOT: Record<NotCompared, string> = {
  'no-rows': 'there are no validation rows to compare answers on',
  'not-fast': 'this processor or backend has no fast products in 8 bits, so answers were not compared',
};

/** What a run says when it has written its model. */
export function sayEightBit(found: EightBitCheck | NotCompared): string {
  if (typeof found === 'string') return `${KEY}: ${WHY_NOT[found]}; predictions stay in float.`;
  const figures = eightBitFigures(found);
  return found.used
    ? `Predictions are computed with ${eightBitLayers(found)}: ${figures}.`
    : `${KEY}: with weights in 8 bits, ${figures}. At most ${formatPercent(MOST_CHANGED)} of the rows and ${points(MOST_DIFFERENCE)} are allowed, and with half of the layers in float it is still more; predictions stay in float.`;
}

/** How a model's predictions are computed. */
export interface Computed {
  /** In float where it is left out. */
  eightBit?: Roundings;
  /** What to say of it; nothing where its folder does not mention 8 bits. */
  said?: string;
}

/** How to compute a model's predictions, by what its folder says and what this machine can do. */
export async function predictionsOf({
  path,
  model,
  config,
}: Pick<OpenModel, 'path' | 'model' | 'config'>): Promise<Computed> {
  const entry = eightBitOf(config);
  if (!entry)
    return mentions(config)
      ? {
          said: `Computed in float: what ${CONFIG_FILE} says of predictions in 8 bits is not as this version writes it; a model that is trained again has them.`,
        }
      : {};
  const figures = eightBitFigures(entry);
  if (!entry.used) return { said: `Computed in float: with weights in 8 bits, ${figures}.` };
  if (!(await model.isFastIn8Bit()))
    return { said: 'Computed in float: this processor or backend has no fast products in 8 bits.' };
  try {
    const eightBit = await readRoundings(path, model);
    return eightBit?.size === entry.layers
      ? { eightBit, said: `Computed with ${eightBitLayers(entry)}: ${figures}.` }
      : { said: `Computed in float: what ${EIGHT_BIT_FILE} says is about other layers than config.json’s.` };
  } catch (error) {
    if (!(error instanceof LuthierError)) throw error;
    return { said: `Computed in float: ${error.message}` };
  }
}
