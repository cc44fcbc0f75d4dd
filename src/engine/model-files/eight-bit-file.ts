import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EIGHT_BIT_FILE } from '../hub/model-folder.ts';
import { SafetensorsFile, type TensorToWrite, writeSafetensors } from '../hub/safetensors.ts';
import type { TaskModel } from '../runtime/model.ts';
import type { Roundings } from '../runtime/programs.ts';
import type { Rounding } from '../tensor/executors/executor.ts';

/** Behind the name of a layer's weight. */
const [RANGE, COLUMNS, APART, SHIFT] = ['.range', '.columns', '.apart', '.shift'];

/** Writes how the layers that are computed in 8 bits round what goes into them. */
export async function writeRoundings(folder: string, roundings: Roundings): Promise<void> {
  const tensors = [...roundings].flatMap(([weight, { range, columns, apart, shift }]) => [
    tensor(weight + RANGE, Float32Array.from(range)),
    ...(columns ? [tensor(weight + COLUMNS, columns)] : []),
    ...(apart ? [tensor(weight + APART, Float32Array.from(apart))] : []),
    ...(shift ? [tensor(weight + SHIFT, shift)] : []),
  ]);
  await writeSafetensors(join(folder, EIGHT_BIT_FILE), tensors);
}

const tensor = (name: string, data: Float32Array): TensorToWrite => ({
  name,
  shape: [data.length],
  dtype: 'F32',
  data,
});

/** Removes what an earlier model in the same place left. */
export const removeRoundings = (folder: string): Promise<void> => rm(join(folder, EIGHT_BIT_FILE), { force: true });

/**
 * What was written; undefined where it is about other layers than this model's, or about numbers that cannot be.
 * @throws LuthierError `model-invalid` where the file is missing or damaged
 */
export async function readRoundings(folder: string, model: TaskModel): Promise<Roundings | undefined> {
  const file = await SafetensorsFile.open(join(folder, EIGHT_BIT_FILE));
  try {
    const isLayer = new Set(model.inputGroups().flat());
    const weights = [...file.tensors.keys()]
      .filter((name) => name.endsWith(RANGE))
      .map((name) => name.slice(0, -RANGE.length));
    const known = new Set(weights.flatMap((weight) => [RANGE, COLUMNS, APART, SHIFT].map((end) => weight + end)));
    if (weights.length === 0 || [...file.tensors.keys()].some((name) => !known.has(name))) return undefined;
    const read = async (name: string, length: number): Promise<Float32Array | undefined> => {
      if (!file.tensors.has(name)) return undefined;
      const values = new Float32Array(length);
      await file.readInto(name, values);
      return values;
    };
    const roundings = new Map<string, Rounding>();
    for (const weight of weights) {
      if (!isLayer.has(weight)) return undefined;
      const { inputs, outputs } = model.linearWeight(weight);
      const range = (await read(weight + RANGE, 2))!;
      const [columns, shift] = [await read(weight + COLUMNS, inputs), await read(weight + SHIFT, outputs)];
      const few = file.tensors.get(weight + APART)?.size ?? 0;
      if (few > inputs) return undefined;
      const apart = await read(weight + APART, few);
      const isColumn = (k: number) => Number.isInteger(k) && k >= 0 && k < inputs;
      if (!isRange(range) || columns?.some((x) => !isDivisor(x)) || shift?.some((x) => !Number.isFinite(x)))
        return undefined;
      if (apart && (apart.length === 0 || !apart.every(isColumn))) return undefined;
      roundings.set(weight, { range: [range[0]!, range[1]!], columns, apart: apart && Int32Array.from(apart), shift });
    }
    return roundings;
  } finally {
    await file.close();
  }
}

const isRange = ([low, high]: Float32Array) => Number.isFinite(low) && Number.isFinite(high) && low! <= 0 && high! >= 0;

const isDivisor = (x: number) => x > 0 && Number.isFinite(x) && Number.isFinite(1 / x);
