import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { closest, distance } from 'fastest-levenshtein';
import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { z } from 'zod';
import type { Recipe } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { readTextFile } from './recipe-file.ts';
import { columnsSchema, inputSchema, strategySchema } from './recipe-schema.ts';

export interface LoadedRecipe {
  recipe: Recipe;
  /** Folder that relative names are looked up from. */
  base: string;
  /** Absolute path of the recipe's file, or null for one that was never a file. */
  path: string | null;
}

/**
 * Reads a recipe's file, applies `--set key=value` in order, fills in the defaults and makes paths absolute.
 * @throws LuthierError `recipe-invalid` naming line and column, or key and range
 */
export async function loadRecipe(path: string, sets: readonly string[] = []): Promise<LoadedRecipe> {
  const file = resolve(path);
  const text = await readTextFile(file);
  const { value, locate } = parseJson(text, file);
  const base = dirname(file);
  const recipe = parseRecipe(applySets(value, sets), placeIn(sets, locate));
  return { recipe: await makePathsAbsolute(recipe, base), base, path: file };
}

/** The same for a recipe that was never a file. */
export async function resolveRecipe(input: unknown, base: string, sets: readonly string[] = []): Promise<LoadedRecipe> {
  const recipe = parseRecipe(
    applySets(input, sets),
    placeIn(sets, () => 'The recipe'),
  );
  return { recipe: await makePathsAbsolute(recipe, base), base, path: null };
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
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new LuthierError('recipe-invalid', `${where([])}: a recipe is a JSON object.`, EXAMPLE_HINT);
  }
  const parsed = inputSchema.safeParse(input);
  if (!parsed.success) {
    // Unknown keys come last from zod, but a misspelt key is the likelier cause of a missing one.
    const issues = [...parsed.error.issues].sort((a, b) => rank(a) - rank(b));
    const [first, ...rest] = issues.map((issue) => explain(issue, input, where));
    const others = rest.map(({ message }) => `\n${message}`).join('');
    throw new LuthierError('recipe-invalid', first!.message + others, first!.hint);
  }
  const { $schema: _, warmup_ratio, ...recipe } = parsed.data;
  if (warmup_ratio !== undefined) {
    if ('warmup_steps' in input) {
      throw new LuthierError(
        'recipe-invalid',
        `${where(['warmup_ratio'])}: warmup_ratio and warmup_steps are both given.`,
        'Keep warmup_steps; below 1 it is a share of all steps.',
      );
    }
    recipe.warmup_steps = warmup_ratio;
  }
  if (recipe.warmup_steps >= 1 && !Number.isInteger(recipe.warmup_steps)) {
    throw new LuthierError(
      'recipe-invalid',
      `${where(['warmup_steps'])}: warmup_steps is ${recipe.warmup_steps}, which is neither a share below 1 nor a whole number of steps.`,
    );
  }
  return recipe;
}

/** A key of a strategy is missing beside its type; any other is one that every recipe needs. */
const hintForMissing = (path: PropertyKey[]): string =>
  path[0] === 'strategy' ? `Write it beside "type", or give it: --set ${path.join('.')}=…` : EXAMPLE_HINT;

const EXAMPLE_HINT =
  'The smallest one is {"model": "starters/bert", "dataset": "rows.csv"}; docs/recipe.md lists every key.';

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

/** JSON with a way to name the line and column of any key. */
function parseJson(text: string, file: string): { value: unknown; locate: (keys: PropertyKey[]) => string } {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const problem = errors[0];
  if (problem !== undefined || root === undefined) {
    const [line, column] = placeOf(text, problem?.offset ?? 0);
    const what = problem === undefined ? 'ValueExpected' : printParseErrorCode(problem.error);
    throw new LuthierError(
      'recipe-invalid',
      `${file}:${line}:${column} is not valid JSON: ${SYNTAX[what] ?? words(what)}.`,
      text.trim() === '' ? EXAMPLE_HINT : undefined,
    );
  }
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
  PropertyNameExpected: 'a key in double quotes is expected (perhaps there is a comma too many before)',
  ValueExpected: 'a value is expected',
  ColonExpected: 'a colon is expected',
  CommaExpected: 'a comma is expected',
  CloseBraceExpected: 'a closing } is expected',
  CloseBracketExpected: 'a closing ] is expected',
  EndOfFileExpected: 'something follows after the end',
  InvalidCommentToken: 'comments are not allowed',
  InvalidSymbol: 'a word without quotes is neither true, false nor null',
  UnexpectedEndOfString: 'a string has no closing quote',
};

const words = (camelCase: string): string => camelCase.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();

function placeOf(text: string, offset: number): [line: number, column: number] {
  const before = text.slice(0, offset).split('\n');
  return [before.length, before.at(-1)!.length + 1];
}

type Issue = z.core.$ZodIssue;

const rank = (issue: Issue): number => (issue.code === 'unrecognized_keys' ? 0 : 1);

/** One sentence for one of zod's issues: where, which key, which range. */
function explain(
  issue: Issue,
  input: unknown,
  where: (keys: PropertyKey[]) => string,
): { message: string; hint?: string } {
  const key = issue.path.join('.');
  const place = (keys: PropertyKey[]) => where(keys);
  const value = valueAt(input, issue.path);
  const shown = value === undefined ? 'missing' : JSON.stringify(value);
  const at = place(issue.path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const unknown = issue.keys[0]!;
      const prefix = key === '' ? '' : `${key}.`;
      const known = knownKeys(issue.path, value);
      const nearest = nearestKey(unknown, known);
      return {
        message: `${place([...issue.path, unknown])}: unknown key "${prefix}${unknown}"${nearest !== undefined ? `; did you mean "${prefix}${nearest}"?` : '.'}`,
        hint:
          unknown === 'load_in_8bit'
            ? 'It goes with strategies that keep layers as they are: {"type": "lora"} and {"type": "freeze"}.'
            : key === ''
              ? 'docs/recipe.md lists every key.'
              : `Its keys are: ${known.join(', ')}.`,
      };
    }
    case 'invalid_type':
      if (value === undefined) {
        return { message: `${at}: "${key}" is missing.`, hint: hintForMissing(issue.path) };
      }
      return { message: `${at}: "${key}" is ${shown} and must be ${article(issue.expected)}.` };
    case 'too_small': {
      if (issue.origin === 'string' || issue.origin === 'array') return { message: `${at}: "${key}" is empty.` };
      const bound = `${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
      return { message: `${at}: "${key}" is ${shown} and must be ${bound}.` };
    }
    case 'too_big': {
      const bound = `${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
      return { message: `${at}: "${key}" is ${shown} and must be ${bound}.` };
    }
    case 'invalid_value': {
      const allowed = issue.values.map(String);
      return { message: `${at}: "${key}" is ${shown} and must be ${orList(allowed)}.${guess(value, allowed)}` };
    }
    case 'invalid_union': {
      if ('options' in issue && Array.isArray(issue.options)) {
        const allowed = issue.options.map(String);
        return { message: `${at}: "${key}" is ${shown} and must be ${orList(allowed)}.${guess(value, allowed)}` };
      }
      // Of a string or an object, the branch that fits what was written says more.
      const branch = issue.errors.find((e) => e.every((i) => i.path.length > 0 || i.code === 'unrecognized_keys'));
      const inner = branch?.find((i) => i.code === 'unrecognized_keys') ?? branch?.[0];
      if (inner !== undefined) return explain({ ...inner, path: [...issue.path, ...inner.path] }, input, where);
      return value === undefined
        ? { message: `${at}: "${key}" is missing.`, hint: EXAMPLE_HINT }
        : { message: `${at}: "${key}" is ${shown} and must be ${unionOf(issue)}.` };
    }
    default:
      return { message: `${at}: "${key}" is ${shown}: ${issue.message}.` };
  }
}

/** A union whose message was written for it says what it takes; else it is one of file names. */
const unionOf = ({ message }: Issue): string => (message === 'Invalid input' ? 'a string or an object' : message);

/** What other tools and everyday speech call a key. */
const OTHER_NAMES: Record<string, string> = { lr: 'learning_rate', train: 'dataset', epoch: 'num_train_epochs' };

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

function guess(value: unknown, allowed: string[]): string {
  if (typeof value !== 'string') return '';
  const nearest = closest(value, allowed);
  return distance(value, nearest) <= 2 ? ` Did you mean "${nearest}"?` : '';
}

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
      const option = strategySchema.options.find((o) => o.shape.type.value === type);
      return option === undefined ? [] : Object.keys(option.shape);
    }
    default:
      return [];
  }
}

/** A model's name stays a name unless a folder of that name stands beside the recipe. */
async function makePathsAbsolute(recipe: Recipe, base: string): Promise<Recipe> {
  const { dataset } = recipe;
  const file = (path: string) => resolve(base, path);
  return {
    ...recipe,
    model: (await isFolder(resolve(base, recipe.model))) ? resolve(base, recipe.model) : recipe.model,
    dataset:
      typeof dataset === 'string'
        ? await datasetPath(dataset, base)
        : {
            train: file(dataset.train),
            ...(dataset.validation === undefined ? {} : { validation: file(dataset.validation) }),
            ...(dataset.test === undefined ? {} : { test: file(dataset.test) }),
          },
  };
}

/** A file beside the recipe, else a data set's folder in the nearest `.luthier` above it, else the path as it would be. */
async function datasetPath(dataset: string, base: string): Promise<string> {
  const path = resolve(base, dataset);
  if (isAbsolute(dataset) || (await exists(path))) return path;
  if (!/[\\/]/.test(dataset)) {
    for (let folder = base; ; folder = dirname(folder)) {
      const named = resolve(folder, '.luthier', 'datasets', dataset);
      if (await isFolder(named)) return named;
      if (dirname(folder) === folder) break;
    }
  }
  return path;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (s) => s.isDirectory(),
    () => false,
  );
