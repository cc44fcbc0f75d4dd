import { basename } from 'node:path';
import { type DataProblem, type Note, type Recipe, taskOf } from '../../protocol/index.ts';
import { loadDataset } from '../data/dataset.ts';
import { takePart } from '../data/folds.ts';
import { splitRow } from '../data/split.ts';
import type { TaskData, TaskRow } from '../data/types.ts';
import { parseModelName } from '../hub/cache.ts';
import { readModelCard } from '../hub/model-card.ts';
import { openModelFolder, readGeneration, refusePrompt } from '../hub/model-folder.ts';
import { type ResolvedModel, resolveModel } from '../hub/resolve.ts';
import { checkWeights, loadWeights } from '../model-files/load-weights.ts';
import { withPadding } from '../model-files/padding.ts';
import { pooledFolder } from '../model-files/pooling.ts';
import type { BaseModel } from '../model-files/save-adapter.ts';
import { classifierRows } from '../models/classes.ts';
import { mapWeights } from '../models/names.ts';
import { architectureOf, hiddenSizeOf } from '../models/registry.ts';
import { countSteps, fitBatch } from '../recipes/schedule.ts';
import { learntOfRecipe } from '../recipes/template.ts';
import { unusualValues } from '../recipes/unusual.ts';
import { architectureFor, bitsOf, tooShortFor } from '../strategies/apply.ts';
import { factsAbout } from '../strategies/facts.ts';
import { betterForFewRows } from '../strategies/index.ts';
import type { AnyTask, LabelledItem } from '../tasks/task.ts';
import { createExecutor } from '../tensor/executors/create.ts';
import type { Executor, HeldBits } from '../tensor/executors/executor.ts';
import { Tokenizer } from '../text/tokenizer.ts';
import { requireCardMemory, saysInBlocks, whatFits } from './card-memory.ts';
import { encode } from './encode.ts';
import { requireMemory, type Workload } from './estimate.ts';
import { labelRows } from './label-rows.ts';
import { lessonsOf, stepsOnItems } from './lessons.ts';
import { requireFloat16, withoutLayers } from './loss-scale.ts';
import { requireOneMemory } from './one-memory.ts';
import { pretrainingIn } from './pretraining.ts';
import { TaskTrainer } from './task-trainer.ts';
import type { Trainer, TrainerOptions } from './types.ts';

/**
 * Reads model and data, reports what a person should know about both, and stands ready for the first step.
 * @throws LuthierError for all that can be wrong with recipe, model, data or machine
 */
export async function createTrainer(options: TrainerOptions): Promise<Trainer> {
  const { recipe: written, base, rules, part, note } = options;
  const resolving = resolveModel(written.model, { base });
  const model = resolving.then(({ path }) => openModelFolder(path));
  const executorReady = createExecutor(written.backend, { hiddenSize: model.then(hiddenSizeOf), note });
  // Awaited below; a model or data set at fault must not leave them as unhandled rejections.
  for (const pending of [model, executorReady]) pending.catch(() => {});
  const resolved = await resolving;
  note('info', resolved.note);
  const loading = Tokenizer.load(resolved.path);
  const read = async (task: AnyTask, keepsSplit: boolean) => {
    const rows = await loadDataset(task, written.dataset, {
      base,
      columns: written.columns,
      encoding: written.encoding,
      validation_split: part === undefined ? written.validation_split : 0,
      seed: written.seed,
      weighted: 'class_weight' in written,
      keepsSplit,
      rules,
    });
    if (part === undefined) return rows;
    return takePart(rows, part, written.seed, (row: TaskRow) => splitRow(task, row, rows.labels, rules));
  };
  const learning = learntOfRecipe(written, options.template, {
    ...{ tokenizer: () => loading, note },
    load: (task) => read(task, false),
  });
  const reading = Promise.all([
    loading,
    learning.then(({ task }) => read(task, part === undefined)),
    readModelCard(resolved.path),
  ]);
  reading.catch(() => {});
  // A folder that is no model lacks a tokenizer, too: what it is says more.
  const opened = await model;
  try {
    refusePrompt(opened);
    const [tokenizer, dataset, card] = await reading;
    const { task, template } = await learning;
    const generation = taskOf(task.name).writes ? await readGeneration(opened) : undefined;
    reportData(dataset, note);
    const file = basename(resolved.path) === '' ? resolved.path : `${resolved.path}/config.json`;
    const told = architectureOf(opened.config, file, task);
    const padded = told.isCausal ? { ...opened, config: withPadding(opened.config, tokenizer, note) } : opened;
    const folder = await pooledFolder(padded, told, task, written, note);
    const plain = folder === opened ? told : architectureOf(folder.config, file, task);
    const stored = mapWeights(plain, folder.weights.names()).files;
    const architecture = architectureFor(written.strategy, plain, (name) => stored.has(name), {
      encode: (text) => [...tokenizer.encode(text, Number.MAX_SAFE_INTEGER).ids],
      note,
    });
    tokenizer.checkFits(architecture.vocabSize);
    checkWeights(folder, plain);
    const encoded = encode(task, dataset, tokenizer, written, architecture, card.languages, note);
    // A row may be several items, which are what a batch is made of, or none.
    const { recipe, note: smaller } = fitBatch(written, encoded.train.length);
    const maxLength = Math.min(recipe.max_length, architecture.maxPositions);
    const named = labelRows(task, recipe, dataset, tokenizer, maxLength);
    if (named.note) note(named.note.level, named.note.message);
    const lessons = lessonsOf(task, recipe, encoded.train, dataset.labels, named.items);
    const pretraining = options.skipsPretraining
      ? null
      : await pretrainingIn({
          ...{ task, dataset, base, rules, note, tokenizer, maxLength, recipe: written },
        });
    if (smaller && !lessons.isPaired) note('warning', smaller);
    for (const one of [pretraining?.lessons, lessons]) if (one?.note) note('info', one.note);
    const run = countSteps(lessons.recipe, lessons.items.length);
    for (const { message } of unusualValues(lessons.recipe, run.total)) note('warning', message);
    if (part === undefined || (part !== 'all' && part.fold === 1)) {
      const facts = { ...factsAbout(plain), classes: dataset.labels.length };
      const rows = dataset.train.length + dataset.validation.length;
      const better = betterForFewRows(recipe.strategy, rows, facts, task.name);
      if (better !== null) note('info', better);
    }
    const tooShort = tooShortFor(recipe.strategy, architecture, run);
    if (tooShort !== null) note('warning', tooShort);
    const lengths = (texts: readonly LabelledItem[]) => texts.map(({ ids }) => ids.length);
    const work = {
      architecture: plain,
      numLabels: architecture.outputs ?? dataset.labels.length,
      trainLengths: lengths(lessons.items),
      validationLengths: lengths(encoded.validation),
      generalLengths: lengths(task.generalText?.(tokenizer, maxLength) ?? []),
    };
    requireOneMemory(work, lessons.recipe);
    const executor = await executorReady;
    const { recomputes = false } = executor;
    if (recipe.fp16) await requireFloat16(executor);
    requireMemory(work, lessons.recipe, executor);
    if (pretraining) {
      const first = { ...work, trainLengths: lengths(pretraining.lessons.items) };
      requireMemory(first, pretraining.lessons.recipe, executor);
    }
    if (executor.memory) await requireCardMemory(work, lessons.recipe, recomputes, note);
    // No warning: new recipes have it for whatever machine they are run on.
    const bits = bitsOf(recipe.strategy);
    if (bits) note('info', `load_in_${bits}bit: ${saysHeld(work, lessons.recipe, executor, bits)}`);
    if (recipe.gradient_checkpointing && !executor.recomputes) {
      note(
        'warning',
        `gradient_checkpointing: ${executor.name} keeps what layers compute, so that the run needs as much memory as without it.`,
      );
    }
    const trainer = new TaskTrainer({
      ...{ task, recipe, dataset, encoded, lessons, pretraining, architecture, maxLength, tokenizer, executor },
      ...{ folder, generation, base: baseModelOf(resolved, recipe), template, note },
      incident: options.incident ?? (({ message }) => note('warning', message)),
      whatFits: (bytes) => whatFits(work, lessons.recipe, recomputes, bytes),
      stepsOnItems: (own, named) => stepsOnItems(written, own, named),
    });
    if (recipe.fp16 && trainer.model.headOnly) {
      trainer.dispose();
      throw withoutLayers();
    }
    const head = classifierRows(folder, plain, dataset.labels, task.save.config.problem_type);
    if (head.note !== null) note('info', head.note);
    await loadWeights(folder, architecture, trainer.model.store, {
      classifierRows: head.rows,
      seed: recipe.seed,
      note,
    });
    trainer.keepBeginning();
    if (part === undefined) trainer.tellSamples();
    return trainer;
  } finally {
    await opened.weights.close();
  }
}

function baseModelOf({ path, source }: ResolvedModel, { model }: Recipe): BaseModel {
  const onHub = source === 'cache' ? parseModelName(model) : undefined;
  return onHub ? { nameOrPath: onHub.id, revision: onHub.revision } : { nameOrPath: path, revision: null };
}

/** What an executor does of a recipe that asks for frozen layers in so many bits. */
function saysHeld(
  work: Workload,
  recipe: Recipe,
  { name, computesIn8Bit, openBytes }: Executor,
  bits: HeldBits,
): string {
  if (bits === 4 && !openBytes)
    return `${name} computes the frozen layers in float: 4 bits save memory of a graphics card.${computesIn8Bit ? ' "load_in_8bit" would save time here.' : ''}`;
  if (computesIn8Bit)
    return 'training steps compute the frozen layers in 8 bits; evaluations and the written model are in float.';
  if (openBytes) return saysInBlocks(work, recipe);
  return `${name} has no products in 8 bits, so the frozen layers are computed in float.`;
}

function reportData(dataset: TaskData<TaskRow>, note: Note): void {
  note('info', dataset.columns_reason);
  for (const problem of dataset.problems) note(problem.severity === 'info' ? 'info' : 'warning', sentence(problem));
}

const sentence = ({ message }: DataProblem) => message;
