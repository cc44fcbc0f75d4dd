import { dirname } from 'node:path';
import { type DataProblem, formatCompact, type Recipe, type RunEstimate } from '../../protocol/index.ts';
import { loadDataset } from '../data/dataset.ts';
import type { TaskRow } from '../data/types.ts';
import { freeMemory } from '../free-memory.ts';
import { freeDiskBytes } from '../hub/disk.ts';
import { readModelCard } from '../hub/model-card.ts';
import { openModelFolder, refusePrompt } from '../hub/model-folder.ts';
import { resolveModel } from '../hub/resolve.ts';
import { checkWeights } from '../model-files/load-weights.ts';
import { pooledFolder } from '../model-files/pooling.ts';
import { architectureOf } from '../models/registry.ts';
import { countSteps, fitBatch } from '../recipes/schedule.ts';
import { learntOfRecipe } from '../recipes/template.ts';
import { unusualValues } from '../recipes/unusual.ts';
import { architectureFor, tooShortFor } from '../strategies/apply.ts';
import type { AnyTask, LabelledItem } from '../tasks/task.ts';
import type { Machine } from '../tensor/executors/status.ts';
import { languageProblem } from '../text/language.ts';
import { Tokenizer } from '../text/tokenizer.ts';
import { cardNeed } from './card-memory.ts';
import { encodePart } from './encode.ts';
import {
  asComputed,
  estimateDisk,
  estimateMemory,
  estimateSeconds,
  START_SECONDS,
  sizesIn,
  type Workload,
} from './estimate.ts';
import { labelRows } from './label-rows.ts';
import { lessonsOf } from './lessons.ts';
import { pretrainingIn } from './pretraining.ts';

export interface EstimateOptions {
  /** Complete, with absolute paths. */
  recipe: Recipe;
  base: string;
  /** What the recipe's backend brings to it. */
  machine: Machine;
  cacheFolder?: string | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * What a run would take and meet, told before it starts: the data are read and cut as the run would, nothing is trained.
 * @throws LuthierError as createTrainer does for model and data
 */
export async function estimateRun(options: EstimateOptions): Promise<RunEstimate> {
  const { recipe: written, base, machine, signal } = options;
  const { path } = await resolveModel(written.model, { base, cacheFolder: options.cacheFolder });
  const loading = Tokenizer.load(path);
  loading.catch(() => {});
  const read = (task: AnyTask) =>
    loadDataset(task, written.dataset, {
      base,
      columns: written.columns,
      encoding: written.encoding,
      validation_split: written.validation_split,
      seed: written.seed,
      weighted: 'class_weight' in written,
      signal,
    });
  const { task } = await learntOfRecipe(written, undefined, { tokenizer: () => loading, load: read });
  // First: a folder that is no model lacks a tokenizer, too, and what it is says more.
  const opened = await openModelFolder(path);
  const told: DataProblem[] = [];
  const architecture = await (async () => {
    refusePrompt(opened);
    const file = `${path}/config.json`;
    const folder = await pooledFolder(
      opened,
      architectureOf(opened.config, file, task),
      task,
      written,
      (level, message) => {
        if (level === 'warning') told.push({ severity: level, code: 'pooling', message });
      },
    );
    const pooled = architectureOf(folder.config, file, task);
    checkWeights(folder, pooled);
    return pooled;
  })().finally(() => opened.weights.close());
  const [card, tokenizer, dataset] = await Promise.all([readModelCard(path), loading, read(task)]);
  tokenizer.checkFits(architecture.vocabSize);
  const { maxPositions } = architectureFor(written.strategy, architecture);
  const maxLength = Math.min(written.max_length, maxPositions);
  const train = encodePart(task, dataset, 'train', tokenizer, maxLength, written);
  const { recipe: fitting, note } = fitBatch(written, train.items.length);
  const named = labelRows(task, fitting, dataset, tokenizer, maxLength);
  const lessons = lessonsOf(task, fitting, train.items, dataset.labels, named.items);
  const { items, isPaired, recipe, note: pairs } = lessons;
  const pretraining = await pretrainingIn({
    ...{ task, dataset, base, tokenizer, maxLength, recipe: written },
    note: (level, message) => told.push({ severity: level, code: 'pretraining', message }),
  });
  const smaller = isPaired ? null : note;
  const steps = countSteps(recipe, items.length);
  const total_steps = steps.total + (pretraining?.steps.total ?? 0);
  const tooShort = tooShortFor(recipe.strategy, architecture, steps);
  const validation = encodePart(task, dataset, 'validation', tokenizer, maxLength, recipe);
  const sample = dataset.train.slice(0, 200).map((row) => task.text(row));
  const mismatch = languageProblem(card.languages, sample, train.unknownShare);
  const problems: DataProblem[] = [
    ...(mismatch ? [mismatch] : []),
    ...(smaller ? [{ severity: 'warning', code: 'batch-size', message: smaller } as const] : []),
    ...(tooShort === null ? [] : [{ severity: 'warning', code: 'strategy', message: tooShort } as const]),
    ...unusualValues(recipe, steps.total).map(
      ({ key, message }) => ({ severity: 'warning', code: key.replaceAll('_', '-'), message }) as const,
    ),
    ...[...(train.notes ?? []), ...(validation.notes ?? [])].map(
      ({ level, message }) => ({ severity: level, code: 'encoding', message }) as const,
    ),
    ...told,
    ...(named.note
      ? [{ severity: named.note.level, code: 'label-templates', message: named.note.message } as const]
      : []),
    ...(pairs ? [{ severity: 'info', code: 'pairs', message: pairs } as const] : []),
    ...dataset.problems,
  ];
  const work: Workload = {
    architecture,
    numLabels: architecture.outputs ?? dataset.labels.length,
    trainLengths: lengthsOf(items),
    validationLengths: lengthsOf(validation.items),
    generalLengths: lengthsOf(task.generalText?.(tokenizer, maxLength) ?? []),
  };
  const computed = asComputed(recipe, machine);
  // The process starts, and its weights are read, once for both.
  const first: Workload | null = pretraining && {
    ...{ ...work, trainLengths: lengthsOf(pretraining.lessons.items), validationLengths: [] },
  };
  const firstSeconds = first
    ? estimateSeconds(first, asComputed(pretraining!.lessons.recipe, machine), machine.gflops) - START_SECONDS
    : 0;
  if (pretraining) {
    const { trained, parameters } = sizesIn(work, recipe);
    const message = `${pretraining.lessons.note} That takes about ${roughly(firstSeconds)} of the time, and trains ${formatCompact(trained)} of ${formatCompact(parameters)} parameters, as learning the rows does.`;
    problems.push({ severity: 'info', code: 'pretraining', message });
  }
  const place = typeof recipe.dataset === 'string' ? dirname(recipe.dataset) : base;
  return {
    rows: dataset.train.length + dataset.validation.length,
    validation_rows: dataset.validation.length,
    classes: countClasses(task, dataset.labels, [...dataset.train, ...dataset.validation]),
    truncated_rows: train.truncatedRows + validation.truncatedRows,
    max_length: maxLength,
    unknown_token_share: train.unknownShare,
    total_steps,
    seconds: estimateSeconds(work, computed, machine.gflops) + firstSeconds,
    peak_memory_bytes: Math.round(
      Math.max(
        estimateMemory(work, computed),
        first ? estimateMemory(first, asComputed(pretraining!.lessons.recipe, machine)) : 0,
      ),
    ),
    free_memory_bytes: freeMemory(),
    ...(machine.backend === 'webgpu' && { card: await cardNeed(work, recipe) }),
    disk_bytes: estimateDisk(sizesIn(work, recipe), recipe),
    free_disk_bytes: await freeDiskBytes(place),
    problems,
    columns: dataset.columns,
    model_languages: card.languages,
  };
}

const roughly = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`;

const lengthsOf = (items: readonly LabelledItem[]) => items.map(({ ids }) => ids.length);

/** A number is no class. */
function countClasses(task: AnyTask, names: readonly string[], rows: readonly TaskRow[]): RunEstimate['classes'] {
  if (task.name === 'regression' || names.length === 0) return [];
  const counts = names.map((label) => ({ label, count: 0 }));
  for (const row of rows) for (const label of task.outputs(row)) counts[label]!.count++;
  return counts.sort((a, b) => b.count - a.count);
}
