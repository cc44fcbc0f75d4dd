import { cpus } from 'node:os';
import { counted, type Note } from '../../protocol/index.ts';
import { inBatches } from '../infer/inference.ts';
import type { FittingBatch } from '../runtime/fitting-batch.ts';
import type { TaskModel } from '../runtime/model.ts';
import type { LabelledItem } from '../tasks/task.ts';
import { VERSION } from '../version.ts';
import { type FeatureCache, featureKey } from './feature-cache.ts';

export interface FeatureSource {
  model: TaskModel;
  cache: FeatureCache;
  /** config.json, from which the architecture follows. */
  config: Readonly<Record<string, unknown>>;
  executor: { readonly name: string; readonly numThreads: number; readonly library: string };
  batchSize: number;
  fitting: FittingBatch;
  note: Note;
}

type Between = (done: number, total: number) => void | Promise<void>;

/** What a head is given for each text `[N, H]`, from the cache or else computed, without dropout, and kept there. */
export async function featuresOf(
  source: FeatureSource,
  texts: readonly LabelledItem[],
  between?: Between,
): Promise<Float32Array> {
  const { model, cache, batchSize, fitting, note } = source;
  const width = model.architecture.hiddenSize;
  const key = cache.isOff || texts.length === 0 ? null : keyOf(source, texts);
  const known = key && (await cache.read(key, texts.length, width));
  if (known) {
    note(
      'info',
      `Using the cached outputs of the frozen layers for ${counted(texts.length, 'text')}, from ${cache.folder}.`,
    );
    return known;
  }
  const features = await inBatches({
    texts,
    batchSize,
    fitting,
    width,
    run: (batch) => model.features(batch),
    between,
  });
  // Batches of another size round otherwise than those that the key says.
  if (key && fitting.size >= batchSize) await cache.write(key, features, width);
  return features;
}

/**
 * Model, data and settings, and what makes the last bits what they are: cached and computed features give the same
 * losses bit for bit.
 */
function keyOf({ model, config, executor, batchSize }: FeatureSource, texts: readonly LabelledItem[]): string {
  const frozen = [...model.declaration('states').parameters.keys()].map((name) => model.store.get(name));
  const { name, numThreads, library } = executor;
  const held = (name: string) => {
    const forms = model.device?.formsOf(name);
    return forms ? ` in ${forms.bits} bits` : '';
  };
  return featureKey({
    made: JSON.stringify({ VERSION, name, numThreads, library, cpu: cpus()[0]?.model, batchSize }),
    config: JSON.stringify(config),
    ...Object.fromEntries(frozen.map(({ name, weight }) => [`weight ${name}${held(name)}`, weight])),
    lengths: Int32Array.from(texts, ({ ids }) => ids.length),
    ids: concatenated(texts.map(({ ids }) => ids)),
    types: concatenated(texts.map(({ ids, typeIds }) => typeIds ?? new Uint8Array(ids.length))),
  });
}

function concatenated(parts: readonly (Int32Array | Uint8Array)[]): Int32Array {
  const all = new Int32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
