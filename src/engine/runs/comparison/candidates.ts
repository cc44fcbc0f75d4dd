import { join } from 'node:path';
import {
  type Candidate,
  type Columns,
  type LabelsWritten,
  LuthierError,
  type ModelFacts,
  modelsFor,
  RECIPE_VERSION,
  type Recipe,
  type RecipeInput,
  recipeKeysOf,
  type StrategySuggestion,
  suggestedTraining,
  type TaskName,
  valuesText,
} from '../../../protocol/index.ts';
import { nearest, orMeant } from '../../../protocol/nearest.ts';
import { listed } from '../../data/problems.ts';
import { readModelCard } from '../../hub/model-card.ts';
import { CONFIG_FILE, openModelFolder } from '../../hub/model-folder.ts';
import { resolveModel } from '../../hub/resolve.ts';
import { describeModel, listModels } from '../../model-files/list.ts';
import { architectureOf } from '../../models/registry.ts';
import { type Trial, withTrial } from '../../recipes/search.ts';
import { factsOf } from '../../strategies/facts.ts';
import { kindOf, STRATEGIES, strategyNamed, suggestStrategies } from '../../strategies/index.ts';
import type { Facts } from '../../strategies/kind.ts';
import { taskNamed } from '../../tasks/registry.ts';

/** The rows that all candidates learn from, as a recipe names them. */
export interface Rows {
  task: TaskName;
  dataset: string;
  columns: Columns;
  /** How several labels of a row are written, where not as lists. */
  how?: LabelsWritten | undefined;
  encoding?: string | undefined;
  rows: number;
  /** Classes among them, where they were counted: with few rows of each, other ways are recommended. */
  classes?: number | undefined;
  /** Whether the classes' names can be learnt (areNamed). */
  named?: boolean | undefined;
  /** Folder that relative names are looked up from. */
  base: string;
  cacheFolder?: string | undefined;
}

/**
 * A candidate for each way to fine-tune a model for such rows, with the recipe that every door suggests for it.
 * @param named strategies by their `type`; without them all that are offered, but for variants of another
 * @throws LuthierError `usage` for a strategy that there is none of, `model-not-found`
 */
export async function ways(rows: Rows, model: string, named?: readonly string[]): Promise<Candidate[]> {
  await requireModels(rows, [model]);
  const facts = await factsFor(rows, model);
  const offered = suggestStrategies(rows.rows, facts, rows.task);
  const about = await factsAbout(model, rows);
  if (named === undefined)
    return offered
      .filter(({ strategy }) => !kindOf(strategy).isVariant)
      .map((suggestion) => candidate(rows, model, about, suggestion));
  return [...new Set(named)].map((type) => {
    const kind = strategyNamed(type);
    if (kind === undefined)
      throw new LuthierError(
        'usage',
        `There is no strategy “${type}”${orMeant(nearest(type, Object.keys(STRATEGIES), Math.max(2, type.length / 3)))}`,
        `Choose from ${listed(Object.keys(STRATEGIES), 'and')}.`,
      );
    // One that is not offered for the task may be named all the same: what is wrong with it is said in its place.
    const suggestion = offered.find(({ strategy }) => strategy.type === type) ?? {
      title: kind.title,
      strategy: kind.suggest(facts),
    };
    return candidate(rows, model, about, suggestion);
  });
}

/**
 * A candidate for each model, tuned in the way that is recommended for it.
 * @param named as a recipe names them; without them the starters, model folders and the Hugging Face cache
 * @throws LuthierError `model-not-found` where one that is named is not on this machine
 */
export async function models(rows: Rows, named?: readonly string[]): Promise<Candidate[]> {
  await requireModels(rows, named ?? []);
  const names = named ?? (await usable(rows));
  return Promise.all(
    [...new Set(names)].map(async (model) => {
      const facts = await factsFor(rows, model);
      const [recommended] = suggestStrategies(rows.rows, facts, rows.task);
      return candidate(rows, model, await factsAbout(model, rows), recommended!);
    }),
  );
}

/**
 * A candidate for each trial of a recipe's search.
 * @param written the recipe as it is written: what is chosen is written so
 * @param recipe the same, complete
 */
export function searched(
  written: Record<string, unknown>,
  recipe: Pick<Recipe, 'model' | 'strategy'>,
  trials: readonly Trial[],
): Candidate[] {
  const { search: _, ...rest } = written;
  return trials.map((values) => {
    const input = withTrial(rest, values) as RecipeInput;
    return {
      strategy: input.strategy?.type ?? recipe.strategy.type,
      title: valuesText(values),
      model: input.model ?? recipe.model,
      about: null,
      recipe: input,
      values,
      ...UNTRIED,
    };
  });
}

/**
 * A name that is misspelt is said at once, and not when hours of training have been compared without it.
 * @throws LuthierError `model-not-found`
 */
export async function requireModels(
  { base, cacheFolder }: Pick<Rows, 'base' | 'cacheFolder'>,
  names: Iterable<string>,
): Promise<void> {
  for (const name of new Set(names)) await resolveModel(name, { base, cacheFolder });
}

/** A candidate before anything is known of it. */
const UNTRIED = { estimate_s: null, state: 'waiting', run: null, reason: null, result: null } as const;

const factsFor = async ({ base, cacheFolder, classes, named }: Rows, model: string): Promise<Facts> => ({
  ...(await factsOf(model, base, cacheFolder)),
  classes,
  named,
});

async function usable({ task, base, cacheFolder }: Rows): Promise<string[]> {
  const found = modelsFor(task, await listModels([base], cacheFolder));
  return found.filter(({ source, problem }) => problem === null && source !== 'run').map(({ name }) => name);
}

function candidate(
  { task, dataset, columns, how, encoding, rows }: Rows,
  model: string,
  about: ModelFacts | null,
  suggestion: Pick<StrategySuggestion, 'title' | 'strategy' | 'learning_rate'>,
): Candidate {
  return {
    strategy: suggestion.strategy.type,
    title: suggestion.title,
    model,
    about,
    recipe: {
      version: RECIPE_VERSION,
      ...recipeKeysOf(task),
      ...how,
      model,
      dataset,
      ...(Object.keys(columns).length > 0 && { columns }),
      ...(encoding !== undefined && { encoding }),
      strategy: suggestion.strategy,
      ...suggestedTraining(rows, suggestion, model, task),
    },
    ...UNTRIED,
  };
}

/** Null for a model that is not there or cannot be used, which its estimate says. */
async function factsAbout(model: string, { task, base, cacheFolder }: Rows): Promise<ModelFacts | null> {
  try {
    const { path } = await resolveModel(model, { base, cacheFolder });
    const [{ bytes, num_parameters }, { languages, license }, folder] = await Promise.all([
      describeModel(path, model),
      readModelCard(path),
      openModelFolder(path),
    ]);
    await folder.weights.close();
    const { maxPositions } = architectureOf(folder.config, join(path, CONFIG_FILE), taskNamed(task));
    return { languages, license, bytes, parameters: num_parameters, positions: maxPositions };
  } catch (error) {
    if (!(error instanceof LuthierError)) throw error;
    return null;
  }
}
