import { dirname, isAbsolute, resolve } from 'node:path';
import { exists, isFolder } from '../../files/folders.ts';
import { writtenPath } from '../../files/written-path.ts';
import { HOME } from '../../guard/index.ts';
import {
  LuthierError,
  RECIPE_VERSION,
  type Recipe,
  type RecipeSource,
  type Strategy,
  type TaskName,
  TEMPLATED_TASKS,
  taskNameOf,
  taskOf,
  weighsClasses,
} from '../../protocol/index.ts';
import { listed } from '../data/problems.ts';
import { kindOf, pretrainingOf, STRATEGIES, strategyNamed } from '../strategies/index.ts';
import { inFloat, isSmallWriter } from '../strategies/kind.ts';
import { EXAMPLE_HINT, explain, isRecord, type RecipeIssue, rank } from './explain-issue.ts';
import { migrateRecipe } from './migrate.ts';
import { withoutOddLengths } from './odd-lengths.ts';
import { parseJson } from './parse-json.ts';
import { readRecipeText } from './recipe-file.ts';
import { inputSchema } from './recipe-schema.ts';
import { searchIssues } from './search.ts';
import { setKey } from './set-key.ts';

export interface LoadedRecipe {
  recipe: Recipe;
  /** Folder that relative names are looked up from. */
  base: string;
  /** Absolute path of the recipe's file, or null for one that was never a file. */
  path: string | null;
  /** The strategy, where `--set strategy.type` left keys of it to be suggested, or nothing said it: to be said before the run starts. */
  suggested?: Strategy;
}

/**
 * Reads a recipe's file, applies `--set key=value` in order, fills in the defaults and makes paths absolute.
 * @throws LuthierError `recipe-invalid` naming line and column, or key and range
 */
export async function loadRecipe(path: string, sets: readonly string[] = []): Promise<LoadedRecipe> {
  const file = resolve(path);
  const text = await readRecipeText(file);
  const { value, locate } = parseJson(text, file);
  return await settle(value, dirname(file), sets, file, locate);
}

/**
 * A recipe's file as it is written, with `--set` applied: relative names, and no defaults.
 * @throws LuthierError `recipe-invalid`
 */
export async function readWritten(path: string, sets: readonly string[] = []): Promise<Record<string, unknown>> {
  const file = resolve(path);
  const changed = applySets(parseJson(await readRecipeText(file), file).value, sets);
  return isRecord(changed) ? changed : {};
}

/** As `loadRecipe`, for a recipe that was never a file. */
export async function resolveRecipe(input: unknown, base: string, sets: readonly string[] = []): Promise<LoadedRecipe> {
  return await settle(input, base, sets, null, () => 'The recipe');
}

/** A recipe as a request names it: by its file, or whole. */
export const readRecipe = (source: RecipeSource): Promise<LoadedRecipe> =>
  'recipe_path' in source ? loadRecipe(source.recipe_path) : resolveRecipe(source.recipe, source.base);

async function settle(
  input: unknown,
  base: string,
  sets: readonly string[],
  path: string | null,
  locate: (keys: PropertyKey[]) => string,
): Promise<LoadedRecipe> {
  const changed = applySets(input, sets);
  const suggested = (await suggestedStrategy(input, changed, sets, base)) ?? (await ofDecoder(changed, base));
  const rate = suggested?.rate === undefined ? {} : { learning_rate: suggested.rate };
  const whole = suggested && isRecord(changed) ? { ...rate, ...changed, strategy: suggested.strategy } : changed;
  const recipe = await makePathsAbsolute(parseRecipe(whole, placeIn(sets, locate)), base);
  return { recipe, base, path, ...(suggested ? { suggested: recipe.strategy } : {}) };
}

/** What every door suggests for the keys of a strategy that `--set strategy.type` chose, those that are set kept. */
async function suggestedStrategy(
  before: unknown,
  after: unknown,
  sets: readonly string[],
  base: string,
): Promise<{ strategy: Strategy; rate?: number | undefined } | null> {
  const typeIn = (input: unknown) => (isRecord(input) && isRecord(input.strategy) ? input.strategy.type : undefined);
  const type = typeIn(after);
  const isChosen = sets.some((set) => /^\s*strategy\.type\s*=/.test(set)) && type !== typeIn(before);
  const kind = isChosen ? strategyNamed(type) : undefined;
  if (!kind || !isRecord(after) || !isRecord(after.strategy)) return null;
  const written = after.strategy;
  const { factsOf } = await import('../strategies/facts.ts');
  const readsEveryToken = after.task === 'token-classification';
  const usual = kind.suggest({ ...(await factsOf(String(after.model), base)), readsEveryToken });
  // 8 bits are suggested for processors, and fp16 and 4 bits are for cards.
  const suggestion = after.fp16 === true || after.strategy.load_in_4bit === true ? inFloat(usual) : usual;
  const isWhole = Object.keys(suggestion).every((key) => key in written);
  return isWhole ? null : { strategy: { ...suggestion, ...written } };
}

/** What a recipe that says nothing of its strategy is: a decoder is tuned by LoRA, at LoRA's rate, a small one and every other model whole. */
async function ofDecoder(recipe: unknown, base: string) {
  if (!isRecord(recipe) || recipe.strategy !== undefined || typeof recipe.model !== 'string') return null;
  const { factsOf } = await import('../strategies/facts.ts');
  const writes = typeof recipe.task === 'string' && taskOf(recipe.task).writes !== undefined;
  const facts = { ...(await factsOf(recipe.model, base)), writes };
  if (!facts.isDecoder) return null;
  const kind = isSmallWriter(facts) ? STRATEGIES.full! : STRATEGIES.lora!;
  return { strategy: kind.suggest(facts), rate: kind.learningRate?.(facts) };
}

/** The place of a key: the `--set` that gave it, else where `locate` finds it. */
function placeIn(sets: readonly string[], locate: (keys: PropertyKey[]) => string): (keys: PropertyKey[]) => string {
  const given = sets.map((set) => set.slice(0, set.indexOf('=')).trim());
  return (keys) => {
    const path = keys.join('.');
    const set = given.findLast((key) => key === path || path.startsWith(`${key}.`));
    return set === undefined ? locate(keys) : `--set ${set}`;
  };
}

/** A recipe whose own words are wrong. */
export class InvalidRecipe extends LuthierError {
  /**
   * @param issues at least one, what is likeliest to be the cause of the rest first
   * @param where turns the path of a key into the place that the message names
   */
  constructor(
    readonly issues: readonly RecipeIssue[],
    where: (keys: PropertyKey[]) => string,
  ) {
    const lines = issues.map(({ keys, message }) => `${where(keys)}: ${message}`);
    super('recipe-invalid', lines.join('\n'), issues[0]?.hint);
  }
}

/**
 * Checks a recipe and fills its defaults in.
 * @param where turns the path of a key into the place that a message names
 * @throws InvalidRecipe
 */
export function parseRecipe(input: unknown, where: (keys: PropertyKey[]) => string = () => 'The recipe'): Recipe {
  const checked = checkRecipe(input);
  if ('recipe' in checked) return checked.recipe;
  throw new InvalidRecipe(checked.issues, where);
}

/** The complete recipe, or all that is wrong with it, what is likeliest to be the cause of the rest first. */
export function checkRecipe(written: unknown): { recipe: Recipe } | { issues: RecipeIssue[] } {
  if (!isRecord(written)) {
    return {
      issues: [{ code: 'wrong-value', keys: [], message: 'a recipe must be a JSON object.', hint: EXAMPLE_HINT }],
    };
  }
  const migrated = migrateRecipe(written);
  if ('problem' in migrated) {
    const { isNewer, problem: message, hint } = migrated;
    // No other number makes a newer recipe one of this version.
    if (isNewer) return { issues: [{ code: 'newer-version', keys: ['version'], message, hint }] };
    return { issues: [{ code: 'wrong-value', keys: ['version'], message, hint, instead: [RECIPE_VERSION] }] };
  }
  const { recipe: input } = migrated;
  const { class_weight } = input;
  // zod leaves this key out of what it reads, and nobody would notice that the weight is not counted.
  if (isRecord(class_weight) && Object.hasOwn(class_weight, '__proto__')) {
    const message = 'class_weight cannot weigh a class that is called “__proto__”.';
    const hint = 'Rename the class, or write "balanced".';
    return { issues: [{ code: 'wrong-value', keys: ['class_weight'], message, hint }] };
  }
  const parsed = inputSchema.safeParse(withoutOddLengths(input));
  if (!parsed.success) {
    // Unknown keys come last from zod, but a misspelt key is the likelier cause of a missing one.
    const sorted = [...parsed.error.issues].sort((a, b) => rank(a) - rank(b));
    return { issues: sorted.flatMap((issue) => explain(issue, input)) };
  }
  const { $schema: _, warmup_ratio, ...recipe } = parsed.data;
  if (warmup_ratio !== undefined) {
    if ('warmup_steps' in input) {
      const message = 'warmup_ratio and warmup_steps are both given.';
      const hint = 'Keep warmup_steps; a value below 1 is a share of all steps.';
      return { issues: [{ code: 'wrong-value', keys: ['warmup_ratio'], message, hint }] };
    }
    recipe.warmup_steps = warmup_ratio;
  }
  const { warmup_steps } = recipe;
  if (warmup_steps >= 1 && !Number.isInteger(warmup_steps)) {
    const message = `warmup_steps is ${warmup_steps}; it must be a share below 1 or a whole number of steps.`;
    return {
      issues: [{ code: 'wrong-value', keys: ['warmup_steps'], message, instead: [Math.round(warmup_steps)] }],
    };
  }
  const misfit = variantIssue(recipe);
  if (misfit) return { issues: [misfit] };
  const { name, metrics, best, max_length } = taskOf(taskNameOf(recipe));
  if (max_length !== undefined && !('max_length' in input)) recipe.max_length = max_length;
  if (!('metric_for_best_model' in input)) recipe.metric_for_best_model = best;
  else if (!metrics.includes(recipe.metric_for_best_model)) {
    const message = `metric_for_best_model is ${recipe.metric_for_best_model}, which ${name} does not measure.`;
    const hint = `It measures ${metrics.join(', ')}.`;
    return { issues: [{ code: 'wrong-value', keys: ['metric_for_best_model'], message, hint, instead: [best] }] };
  }
  if (recipe.search !== undefined) {
    const { search: _, ...rest } = input;
    const issues = searchIssues(recipe.search, rest, recipe, checkRecipe);
    if (issues.length > 0) return { issues };
  }
  return { recipe };
}

/** Why no rows can be made of labels' names, where the strategy asks for them. */
function labelTemplatesIssue(
  { strategy, template }: Recipe,
  learnt: TaskName,
): Pick<RecipeIssue, 'message' | 'hint'> | undefined {
  if (strategy.label_templates === undefined) return undefined;
  const hint = 'Remove the key.';
  if (learnt === 'regression')
    return { message: 'label_templates needs labels with names, and this recipe learns numbers.', hint };
  if (strategy.type === 'head' && strategy.solver !== 'lbfgs')
    return {
      message: 'label_templates is for a classifier that is solved, and this head is trained step by step.',
      hint: 'Add "solver": "lbfgs", or remove the key.',
    };
  if (template !== undefined)
    return {
      message: 'label_templates makes texts of labels’ names as they are, and rows here are read through a template.',
      hint,
    };
  return undefined;
}

/** A key that does not go with what is learnt. */
function variantIssue(recipe: Recipe): RecipeIssue | undefined {
  const { task, problem_type, label_separator, label_columns, class_weight, label_smoothing_factor } = recipe;
  const { fim_rate, fim_spm_rate, focal_gamma, pooling, predict_in_8bit } = recipe;
  const learnt = taskNameOf(recipe);
  const wrong = (key: keyof Recipe, message: string, hint: string): RecipeIssue => ({
    ...{ code: 'wrong-value', keys: [key], message, hint },
  });
  const { pairs, notFor } = kindOf(recipe.strategy);
  if (pairs && notFor?.includes(learnt))
    return wrong(
      'strategy',
      `strategy "${recipe.strategy.type}" is for text-classification with one class for each text, and this recipe learns ${learnt}.`,
      'Use {"type": "full"} or {"type": "lora"}.',
    );
  const unnamed = labelTemplatesIssue(recipe, learnt);
  if (unnamed) return { code: 'wrong-value', keys: ['strategy', 'label_templates'], ...unnamed };
  if (pretrainingOf(recipe.strategy)) {
    const hint = 'Set strategy.prompt_tuning_init to "RANDOM" or "TEXT".';
    if (learnt === 'conversational')
      return wrong('strategy', 'A prompt is pre-trained on texts, and conversational learns from dialogues.', hint);
    if (recipe.template !== undefined)
      return wrong('strategy', 'A prompt is pre-trained on texts as they are, and this recipe has a template.', hint);
  }
  if (problem_type !== undefined && task !== 'text-classification')
    return wrong('problem_type', `problem_type is of text-classification, and the task is ${task}.`, 'Remove it.');
  if (learnt !== 'multi_label_classification') {
    const key = label_separator !== undefined ? 'label_separator' : label_columns ? 'label_columns' : undefined;
    const hint = 'Add "problem_type": "multi_label_classification", or remove the key.';
    if (key) return wrong(key, `${key} is for several labels in a row, and this recipe learns one.`, hint);
  } else if (label_separator !== undefined && label_columns)
    return wrong(
      'label_separator',
      'label_separator and label_columns are both given.',
      'Keep the one that says how the labels are written.',
    );
  if (pooling !== undefined && task !== 'text-classification')
    return wrong(
      'pooling',
      `pooling is how a text is read as a whole, and ${task} reads every token by itself.`,
      'Remove the key.',
    );
  if (task !== 'text-generation') {
    const key = fim_rate !== undefined ? 'fim_rate' : fim_spm_rate !== undefined ? 'fim_spm_rate' : undefined;
    if (key) return wrong(key, `${key} is of text-generation, and the task is ${task}.`, 'Remove the key.');
  } else if (fim_spm_rate !== undefined && fim_rate === undefined)
    return wrong('fim_spm_rate', 'fim_spm_rate is given without fim_rate.', 'Add fim_rate, such as 0.5, or remove it.');
  if (recipe.template !== undefined && !TEMPLATED_TASKS.includes(learnt))
    return wrong(
      'template',
      `template writes texts, and ${learnt} learns from marked words.`,
      `Remove it, or choose another task: ${listed(TEMPLATED_TASKS, 'or')}.`,
    );
  if (!weighsClasses(learnt)) {
    const key =
      class_weight !== undefined ? 'class_weight' : label_smoothing_factor > 0 ? 'label_smoothing_factor' : undefined;
    const loss = learnt === 'regression' ? 'a squared error' : 'a loss for each label by itself';
    if (key)
      return wrong(
        key,
        `${key} is of a loss that chooses one class, and ${learnt} learns by ${loss}.`,
        'Remove the key.',
      );
  }
  const slanted = (['cut_frac', 'ratio'] as const).find((key) => recipe[key] !== undefined);
  if (slanted && recipe.lr_scheduler_type !== 'slanted_triangular')
    return wrong(
      slanted,
      `${slanted} is of lr_scheduler_type "slanted_triangular", and this recipe has "${recipe.lr_scheduler_type}".`,
      'Set lr_scheduler_type to "slanted_triangular", or remove the key.',
    );
  if (predict_in_8bit !== undefined && (learnt === 'regression' || taskOf(learnt).writes))
    return wrong('predict_in_8bit', `predict_in_8bit is of classifiers, and the task is ${learnt}.`, 'Remove the key.');
  const { load_in_8bit, load_in_4bit } = recipe.strategy;
  if (load_in_8bit && load_in_4bit)
    return wrong(
      'strategy',
      'load_in_8bit and load_in_4bit are both given: the frozen layers are in one of them.',
      'Remove one of them: 8 bits are nearer to float, and 4 take less of a graphics card’s memory.',
    );
  if (recipe.fp16) {
    if (recipe.strategy.type === 'head')
      return wrong(
        'fp16',
        'fp16 is for steps that compute gradients of layers, and strategy "head" trains the classifier alone.',
        'Remove fp16, or choose another strategy.',
      );
    if (load_in_8bit || load_in_4bit)
      return wrong(
        'fp16',
        `fp16 and load_in_${load_in_8bit ? 8 : 4}bit are both given: one computes the products with frozen layers in float16, the other in ${load_in_8bit ? 8 : 4} bits.`,
        'Remove one of them.',
      );
  }
  if (focal_gamma !== undefined) {
    if (learnt === 'regression' || taskOf(learnt).writes)
      return wrong('focal_gamma', `focal_gamma is of classifiers, and the task is ${learnt}.`, 'Remove the key.');
    if (label_smoothing_factor > 0)
      return wrong(
        'focal_gamma',
        'focal_gamma and label_smoothing_factor are both given: one counts rows less where the model is sure, the other keeps it from being sure.',
        'Remove one of them.',
      );
  }
  return undefined;
}

/**
 * `strategy.num_frozen_layers=8`: the value is read as JSON, and as a string when it is none.
 * @throws LuthierError `usage` when there is no `=`
 */
export function applySets(input: unknown, sets: readonly string[]): unknown {
  if (sets.length === 0) return input;
  const copy: unknown = structuredClone(input);
  for (const set of sets) {
    const equals = set.indexOf('=');
    if (equals < 1) {
      throw new LuthierError('usage', `--set ${set} has no value.`, 'Write --set key=value, as in --set seed=7.');
    }
    const path = set.slice(0, equals).trim();
    // It would set a property of all objects, and not of the recipe.
    if (path.split('.').includes('__proto__'))
      throw new LuthierError('usage', `--set ${set}: “__proto__” is not a key of a recipe.`);
    setKey(copy, path, jsonOrText(set.slice(equals + 1)));
  }
  return copy;
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A model's name stays a name unless a folder of that name stands beside the recipe. */
async function makePathsAbsolute(recipe: Recipe, base: string): Promise<Recipe> {
  const { dataset, strategy } = recipe;
  const file = (path: string) => writtenPath(base, path);
  const texts = pretrainingOf(strategy)?.dataset;
  const model = await writtenPath(base, recipe.model);
  return {
    ...recipe,
    model: (await isFolder(model)) ? model : recipe.model,
    ...(recipe.template !== undefined && { template: await file(recipe.template) }),
    ...(texts !== undefined && { strategy: { ...strategy, pretraining_dataset: await file(texts) } }),
    dataset:
      typeof dataset === 'string'
        ? await datasetPath(dataset, base)
        : {
            train: await file(dataset.train),
            ...(dataset.validation === undefined ? {} : { validation: await file(dataset.validation) }),
            ...(dataset.test === undefined ? {} : { test: await file(dataset.test) }),
          },
  };
}

/** A file beside the recipe, else a data set's folder in the nearest `.luthier` above it, else the path as it would be. */
async function datasetPath(dataset: string, base: string): Promise<string> {
  const path = await writtenPath(base, dataset);
  if (isAbsolute(dataset) || (await exists(path))) return path;
  if (!/[\\/]/.test(dataset)) {
    for (let folder = base; ; folder = dirname(folder)) {
      const named = resolve(folder, HOME, 'datasets', dataset);
      if (await isFolder(named)) return named;
      if (dirname(folder) === folder) break;
    }
  }
  return path;
}
