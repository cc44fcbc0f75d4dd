import { dirname } from 'node:path';
import type { Recipe, RunEstimate } from '../../protocol/index.ts';
import { loadClassificationDataset } from '../data/dataset.ts';
import { freeDiskBytes } from '../hub/disk.ts';
import { openModelFolder } from '../hub/model-folder.ts';
import { resolveModel } from '../hub/resolve.ts';
import { createEncoder } from '../models/registry.ts';
import { Tokenizer } from '../text/tokenizer.ts';
import { estimateDisk, estimateMemory, estimateSeconds, freeMemory, sizesOf, type Workload } from './estimate.ts';
import { countSteps } from './schedule.ts';

export interface EstimateOptions {
  /** Complete, with absolute paths. */
  recipe: Recipe;
  base: string;
  /** Measured rate of this machine's matrix products. */
  gflops: number;
  cacheFolder?: string | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * What a run would take and meet, told before it starts: the data are read and cut as the run would, nothing is trained.
 * @throws LuthierError as createTrainer does for model and data
 */
export async function estimateRun(options: EstimateOptions): Promise<RunEstimate> {
  const { recipe, base, gflops, signal } = options;
  const { path } = await resolveModel(recipe.model, { base, cacheFolder: options.cacheFolder });
  const [folder, tokenizer, dataset] = await Promise.all([
    openModelFolder(path),
    Tokenizer.load(path),
    loadClassificationDataset(recipe.dataset, {
      base,
      columns: recipe.columns,
      validation_split: recipe.validation_split,
      seed: recipe.seed,
      signal,
    }),
  ]);
  await folder.weights.close();
  const encoder = createEncoder(folder.config, `${path}/config.json`);
  const maxLength = Math.min(recipe.max_length, encoder.maxPositions);
  const train = tokenizer.encodeAll(dataset.train, maxLength);
  const validation = tokenizer.encodeAll(dataset.validation, maxLength);
  const work: Workload = {
    encoder,
    numLabels: dataset.labels.length,
    trainLengths: train.encodings.map(({ ids }) => ids.length),
    validationLengths: validation.encodings.map(({ ids }) => ids.length),
  };
  const place = typeof recipe.dataset === 'string' ? dirname(recipe.dataset) : base;
  return {
    rows: dataset.train.length + dataset.validation.length,
    validation_rows: dataset.validation.length,
    classes: countClasses(dataset.labels, [...dataset.train, ...dataset.validation]),
    truncated_rows: train.truncatedRows + validation.truncatedRows,
    unknown_token_share: train.unknownShare,
    total_steps: countSteps(recipe, dataset.train.length).total,
    seconds: estimateSeconds(work, recipe, gflops),
    peak_memory_bytes: Math.round(estimateMemory(work, recipe)),
    free_memory_bytes: freeMemory(),
    disk_bytes: estimateDisk(sizesOf(work, recipe.strategy), recipe),
    free_disk_bytes: await freeDiskBytes(place),
    problems: dataset.problems,
    columns: dataset.columns,
  };
}

function countClasses(labels: readonly string[], rows: readonly { label: number }[]): RunEstimate['classes'] {
  const counts = labels.map((label) => ({ label, count: 0 }));
  for (const { label } of rows) counts[label]!.count++;
  return counts.sort((a, b) => b.count - a.count);
}
