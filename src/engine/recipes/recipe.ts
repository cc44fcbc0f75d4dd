import { dirname, isAbsolute, resolve } from 'node:path';
import { closest, distance } from 'fastest-levenshtein';
import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { z } from 'zod';
import { exists, isFolder } from '../../files/folders.ts';
import { writtenPath } from '../../files/written-path.ts';
import { HOME } from '../../guard/index.ts';
import {
  FILL_MASK,
  LuthierError,
  RECIPE_VERSION,
  type Recipe,
  type RecipeSource,
  type Strategy,
  TEMPLATED_TASKS,
  taskNameOf,
  taskOf,
  weighsClasses,
} from '../../protocol/index.ts';
import { listed } from '../data/problems.ts';
import { STRATEGIES, strategyNamed } from '../strategies/index.ts';
import { isSmallWriter } from '../strategies/kind.ts';
import { migrateRecipe } from './migrate.ts';
import { readRecipeText } from './recipe-file.ts';
import { columnsSchema, inputSchema } from './recipe-schema.ts';

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
  const suggestion = kind.suggest(await factsOf(String(after.model), base));
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

/**
 * Checks a recipe and fills its defaults in.
 * @param where turns the path of a key into the place that a message names
 * @throws LuthierError `recipe-invalid`
 */
export function parseRecipe(input: unknown, where: (keys: PropertyKey[]) => string = () => 'The recipe'): Recipe {
  const checked = checkRecipe(input);
  if ('recipe' in checked) return checked.recipe;
  const lines = checked.issues.map(({ keys, message }) => `${where(keys)}: ${message}`);
  throw new LuthierError('recipe-invalid', lines.join('\n'), checked.issues[0]?.hint);
}

/** One thing that is wrong with a recipe's own words, whatever it names. */
export interface RecipeIssue {
  code: 'unknown-key' | 'missing-key' | 'wrong-value' | 'newer-version';
  /** Path of the key at fault, from the recipe's top. */
  keys: PropertyKey[];
  /** Without the place. */
  message: string;
  hint?: string;
  /** Values, or a key, that may be meant instead, the likeliest first. */
  instead?: unknown[];
  /** Where the key belongs with its value, from the recipe's top. */
  belongs?: readonly [object: string, key: string];
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
  const parsed = inputSchema.safeParse(input);
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
  return { recipe };
}

/** A key that does not go with what is learnt. */
function variantIssue(recipe: Recipe): RecipeIssue | undefined {
  const { task, problem_type, label_separator, label_columns, class_weight, label_smoothing_factor } = recipe;
  const { fim_rate, fim_spm_rate } = recipe;
  const learnt = taskNameOf(recipe);
  const wrong = (key: keyof Recipe, message: string, hint: string): RecipeIssue => ({
    ...{ code: 'wrong-value', keys: [key], message, hint },
  });
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
  return undefined;
}

/** A key of a strategy is missing beside its type; any other is one that every recipe needs. */
const hintForMissing = (path: PropertyKey[]): string =>
  path[0] === 'strategy' ? `Add it next to "type", or pass --set ${path.join('.')}=…` : EXAMPLE_HINT;

const EXAMPLE_HINT =
  'The smallest recipe is {"model": "starters/bert", "dataset": "rows.csv"}; docs/recipe.md lists every key.';

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
    const keys = set.slice(0, equals).trim().split('.');
    // It would set a property of all objects, and not of the recipe.
    if (keys.includes('__proto__'))
      throw new LuthierError('usage', `--set ${set}: “__proto__” is not a key of a recipe.`);
    const last = keys.pop()!;
    let target: unknown = copy;
    for (const key of keys) {
      if (!isRecord(target)) break;
      if (!isRecord(target[key])) target[key] = {};
      target = target[key];
    }
    if (!isRecord(target)) throw new LuthierError('recipe-invalid', 'The recipe is not a JSON object.', EXAMPLE_HINT);
    const value = jsonOrText(set.slice(equals + 1));
    // Another type of strategy has other keys: those of the one it replaces would be unknown to it.
    if (keys.join('.') === 'strategy' && last === 'type' && target.type !== value) {
      for (const key of Object.keys(target)) delete target[key];
    }
    target[last] = value;
  }
  return copy;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A recipe's text as a tree, or what keeps it from being JSON and where. */
export function readTree(text: string): { root: Node } | { message: string; offset: number; length: number } {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const problem = errors[0];
  if (problem === undefined && root !== undefined) return { root };
  const what = problem === undefined ? 'ValueExpected' : printParseErrorCode(problem.error);
  return {
    message: `not valid JSON: ${SYNTAX[what] ?? words(what)}.`,
    offset: problem?.offset ?? 0,
    length: problem?.length ?? 0,
  };
}

/** JSON with a way to name the line and column of any key. */
function parseJson(text: string, file: string): { value: unknown; locate: (keys: PropertyKey[]) => string } {
  const read = readTree(text);
  if (!('root' in read)) {
    const [line, column] = placeOf(text, read.offset);
    const hint = text.trim() === '' ? EXAMPLE_HINT : undefined;
    throw new LuthierError('recipe-invalid', `${file}:${line}:${column} is ${read.message}`, hint);
  }
  const { root } = read;
  const locate = (keys: PropertyKey[]): string => {
    const path = keys.map((key) => (typeof key === 'symbol' ? String(key) : key));
    let node: Node | undefined;
    for (let n = path.length; node === undefined && n > 0; n--) node = findNodeAtLocation(root, path.slice(0, n));
    if (node === undefined) return file;
    // The key, not its value.
    const at = node.parent?.type === 'property' ? node.parent.offset : node.offset;
    const [line, column] = placeOf(text, at);
    return `${file}:${line}:${column}`;
  };
  return { value: JSON.parse(text), locate };
}

const SYNTAX: Record<string, string> = {
  PropertyNameExpected: 'a key in double quotes is expected (there may be an extra comma before it)',
  ValueExpected: 'a value is expected',
  ColonExpected: 'a colon is expected',
  CommaExpected: 'a comma is expected',
  CloseBraceExpected: 'a closing } is expected',
  CloseBracketExpected: 'a closing ] is expected',
  EndOfFileExpected: 'there is text after the end',
  InvalidCommentToken: 'comments are not allowed',
  InvalidSymbol: 'a word without quotes must be true, false or null',
  UnexpectedEndOfString: 'a string has no closing quote',
};

const words = (camelCase: string): string => camelCase.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();

function placeOf(text: string, offset: number): [line: number, column: number] {
  const before = text.slice(0, offset).split('\n');
  return [before.length, before.at(-1)!.length + 1];
}

type Issue = z.core.$ZodIssue;

const rank = (issue: Issue): number => (issue.code === 'unrecognized_keys' ? 0 : 1);

/** Sentences for one of zod's issues: which key, which range. */
function explain(issue: Issue, input: unknown): RecipeIssue[] {
  const { path } = issue;
  const key = path.join('.');
  const value = valueAt(input, path);
  const shown = value === undefined ? 'missing' : JSON.stringify(value);
  const wrong = (message: string, instead?: unknown[]): RecipeIssue[] => [
    { code: 'wrong-value', keys: path, message: `"${key}" ${message}`, ...(instead?.length ? { instead } : {}) },
  ];
  const missing = (hint: string): RecipeIssue[] => [
    { code: 'missing-key', keys: path, message: `"${key}" is missing.`, hint },
  ];
  switch (issue.code) {
    case 'unrecognized_keys': {
      const prefix = key === '' ? '' : `${key}.`;
      const known = knownKeys(path, value);
      return issue.keys.map((unknown): RecipeIssue => {
        const field = key === '' ? fieldNamed(unknown) : undefined;
        if (field !== undefined) {
          const belongs = ['columns', field] as const;
          const example = JSON.stringify({ columns: { [field]: valueAt(input, [unknown]) } }).replaceAll('":', '": ');
          return {
            ...{ code: 'unknown-key', keys: [unknown], belongs },
            message: `unknown key "${unknown}"; did you mean "${belongs.join('.')}"?`,
            hint: `Columns are named together, as in ${example}.`,
          };
        }
        const nearest = nearestKey(unknown, known);
        const guessed = nearest === undefined ? '.' : `; did you mean "${prefix}${nearest}"?`;
        const hint =
          key === ''
            ? 'docs/recipe.md lists every key.'
            : (strategiesWith(key, unknown) ?? `Its keys are: ${known.join(', ')}.`);
        return {
          code: 'unknown-key',
          keys: [...path, unknown],
          message: `unknown key "${prefix}${unknown}"${guessed}`,
          hint,
          ...(nearest === undefined ? {} : { instead: [nearest] }),
        };
      });
    }
    case 'invalid_type':
      if (value === undefined) return missing(hintForMissing(path));
      return wrong(`is ${shown} and must be ${article(issue.expected)}.`, ofType(issue.expected, value));
    case 'too_small': {
      if (issue.origin === 'string' || issue.origin === 'array') return wrong('is empty.');
      const bound = `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
      return wrong(`is ${shown} and must be ${bound}.`, issue.inclusive ? [Number(issue.minimum)] : []);
    }
    case 'too_big': {
      const bound = `${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
      return wrong(`is ${shown} and must be ${bound}.`, issue.inclusive ? [Number(issue.maximum)] : []);
    }
    case 'invalid_value':
      if (key === 'task' && value === FILL_MASK) {
        return wrong(
          `is ${shown}, which Luthier does not train yet; a model with a masked-language head fills in masks as it is (luthier predict).`,
        );
      }
      return wrong(...oneOf(value, shown, issue.values.map(String)));
    case 'invalid_union': {
      if ('options' in issue && Array.isArray(issue.options)) {
        return wrong(...oneOf(value, shown, issue.options.map(String)));
      }
      // Of a string or an object, the branch that fits what was written says more.
      const branch = issue.errors.find((e) => e.every((i) => i.path.length > 0 || i.code === 'unrecognized_keys'));
      const inner = branch?.find((i) => i.code === 'unrecognized_keys') ?? branch?.[0];
      if (inner !== undefined) return explain({ ...inner, path: [...path, ...inner.path] }, input);
      return value === undefined ? missing(EXAMPLE_HINT) : wrong(`is ${shown} and must be ${unionOf(issue)}.`);
    }
    default:
      return wrong(`is ${shown}: ${issue.message}.`);
  }
}

/** Says which strategies have a key that the one written has not. */
function strategiesWith(path: string, key: string): string | undefined {
  if (path !== 'strategy') return undefined;
  const types = Object.keys(STRATEGIES).filter((type) => key in STRATEGIES[type]!.schema.shape);
  return types.length === 0 ? undefined : `It works only with ${listed(types.map((type) => `{"type": "${type}"}`))}.`;
}

/** The sentence for a value that is none of those allowed, and these, the nearest first. */
function oneOf(value: unknown, shown: string, allowed: string[]): [message: string, instead: string[]] {
  const nearest = typeof value === 'string' ? closest(value, allowed) : undefined;
  const isNear = nearest !== undefined && distance(String(value), nearest) <= 2;
  const guess = isNear ? ` Did you mean "${nearest}"?` : '';
  const instead = isNear ? [nearest, ...allowed.filter((other) => other !== nearest)] : allowed;
  return [`is ${shown} and must be ${orList(allowed)}.${guess}`, instead];
}

/** What a value of the wrong type says in the right one: "1e-4" in quotes is a number all the same. */
function ofType(expected: string, value: unknown): unknown[] {
  if (expected === 'boolean') return value === 'false' || value === 0 ? [false, true] : [true, false];
  if (expected === 'int' && typeof value === 'number') return [Math.round(value)];
  if (typeof value !== 'string' || value.trim() === '') return [];
  const number = Number(value);
  return (expected === 'number' || expected === 'int') && Number.isFinite(number) ? [number] : [];
}

/** A union whose message was written for it says what it takes; else it is one of file names. */
const unionOf = ({ message }: Issue): string => (message === 'Invalid input' ? 'a string or an object' : message);

/** What other tools and everyday speech call a key. */
const OTHER_NAMES: Record<string, string> = { lr: 'learning_rate', train: 'dataset', epoch: 'num_train_epochs' };

/** The field whose column other tools name so at the top: `text_column`, `label_column_name`, `label`. */
function fieldNamed(unknown: string): string | undefined {
  const name = unknown.toLowerCase().replace(/_columns?(_names?)?$/, '');
  return Object.hasOwn(columnsSchema.shape, name) ? name : undefined;
}

/** A key that contains what was written (`batch_size`), or is close to it (`learning_rat`). */
function nearestKey(unknown: string, known: string[]): string | undefined {
  const other = OTHER_NAMES[unknown.toLowerCase()];
  if (other !== undefined && known.includes(other)) return other;
  const containing = unknown.length >= 4 ? known.find((key) => key.includes(unknown.toLowerCase())) : undefined;
  if (containing !== undefined || known.length === 0) return containing;
  const nearest = closest(unknown, known);
  return distance(unknown, nearest) <= Math.max(3, unknown.length / 2) ? nearest : undefined;
}

const article = (type: string): string =>
  type === 'boolean'
    ? 'true or false'
    : type === 'int'
      ? 'a whole number'
      : /^[aeiou]/.test(type)
        ? `an ${type}`
        : `a ${type}`;

const orList = (values: string[]): string =>
  values.length < 2
    ? `"${values[0]}"`
    : `${values
        .slice(0, -1)
        .map((v) => `"${v}"`)
        .join(', ')} or "${values.at(-1)}"`;

function valueAt(input: unknown, path: PropertyKey[]): unknown {
  let value = input;
  for (const key of path) value = isRecord(value) ? value[String(key)] : undefined;
  return value;
}

/** Keys allowed in the object that stands at `path`. */
function knownKeys(path: PropertyKey[], value: unknown): string[] {
  switch (path[0]) {
    case undefined:
      return Object.keys(inputSchema.shape).filter((key) => key !== '$schema');
    case 'columns':
      return Object.keys(columnsSchema.shape);
    case 'dataset':
      return ['train', 'validation', 'test'];
    case 'strategy': {
      const type = isRecord(value) ? value.type : undefined;
      return Object.keys(strategyNamed(type)?.schema.shape ?? {});
    }
    default:
      return [];
  }
}

/** A model's name stays a name unless a folder of that name stands beside the recipe. */
async function makePathsAbsolute(recipe: Recipe, base: string): Promise<Recipe> {
  const { dataset } = recipe;
  const file = (path: string) => writtenPath(base, path);
  const model = await writtenPath(base, recipe.model);
  return {
    ...recipe,
    model: (await isFolder(model)) ? model : recipe.model,
    ...(recipe.template !== undefined && { template: await file(recipe.template) }),
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
