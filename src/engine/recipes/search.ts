import type { Recipe, Search, ValueRange } from '../../protocol/index.ts';
import { nearest } from '../../protocol/nearest.ts';
import { Random } from '../data/random.ts';
import { type RecipeIssue, SEARCH_HINT, strategiesWith } from './explain-issue.ts';
import { MOST_TRIALS, recipeSchema } from './recipe-schema.ts';
import { setKey } from './set-key.ts';

/** What one trial sets in the recipe, by dotted key. */
export type Trial = Record<string, unknown>;

/** Trials where the search does not say how many: random's, and those that halving begins with. */
const USUAL_TRIALS = { random: 10, halving: 9 } as const;
/** Draws of a trial that is there already before there are taken to be no others. */
const MOST_REPEATS = 100;
/** Tells these numbers from those of splits and order, which have the recipe's seed, too. */
const STREAM = 0x5ea7c4;
/** Digits of a drawn number: a recipe is read by people. */
const DIGITS = 3;

/** Keys that say what is learnt and measured: with other values of them, candidates would not compare. */
const FIXED: ReadonlySet<string> = new Set([
  ...['version', 'task', 'problem_type', 'dataset', 'columns', 'encoding', 'label_separator', 'label_columns'],
  ...['validation_split', 'metric_for_best_model', 'search', '$schema'],
]);

/** Whether a key of the recipe's top may be searched. */
export const isSearched = (key: string): boolean =>
  Object.hasOwn(recipeSchema.shape, key) && !FIXED.has(key) && key !== 'seed';

/** How long candidates train is what halving decides. */
const LENGTHS: ReadonlySet<string> = new Set(['num_train_epochs', 'max_steps']);

const isRange = (values: unknown[] | ValueRange): values is ValueRange => !Array.isArray(values);

/** Checks a recipe without its search, as recipe.ts does. */
type Check = (written: unknown) => { recipe: Recipe } | { issues: RecipeIssue[] };

/** The same check, which is made once for each recipe: a trial's is asked for where keys are left out of it, and again as it is. */
function once(check: Check): Check {
  const known = new Map<string, ReturnType<Check>>();
  return (written) => {
    const name = JSON.stringify(written);
    const checked = known.get(name) ?? check(written);
    known.set(name, checked);
    return checked;
  };
}

/**
 * All that is wrong with a search: keys that there are none of, values that the recipe's own schema refuses, and
 * combinations that it refuses.
 * @param rest the recipe as it is written, without its search
 */
export function searchIssues(
  search: Search,
  rest: Record<string, unknown>,
  recipe: Recipe,
  check: Check,
): RecipeIssue[] {
  const own = ownIssues(search, recipe);
  if (own.length > 0) return own;
  const checkOnce = once(check);
  const found: RecipeIssue[] = [];
  const firsts = firstTrials(search);
  for (const [key, values] of Object.entries(search.values)) {
    const places: [place: PropertyKey, value: unknown][] = isRange(values)
      ? [
          ['min', values.min],
          ['max', values.max],
        ]
      : values.map((value, at) => [at, value]);
    // Others are as they are tried first: what one key may be can depend on them.
    for (const [place, value] of places) {
      const wrong = firsts.map((first) => {
        const trial = { ...fitting({ ...first, [key]: value }, rest, checkOnce), [key]: value };
        const checked = checkOnce(withTrial(rest, trial));
        const issues = 'issues' in checked ? checked.issues : [];
        // What is wrong with another of the keys is said there.
        return (
          issues.find((one) => isAt(one, key)) ??
          issues.find((one) => !Object.keys(search.values).some((other) => isAt(one, other)))
        );
      });
      // One strategy that takes it is enough; that others do not have it says nothing of the value.
      if (wrong.some((one) => one === undefined)) continue;
      const issue = wrong.find((one) => one!.code !== 'unknown-key') ?? wrong[0]!;
      found.push(placed(issue, key, place, value));
      // An unknown key is unknown with each value.
      if (issue.code === 'unknown-key' && issue.keys.join('.') === key) break;
    }
  }
  if (found.length > 0) return found;
  for (const trial of triedIn(search, rest, recipe.seed, checkOnce)) {
    const checked = checkOnce(withTrial(rest, trial));
    const issue = 'issues' in checked ? checked.issues[0] : undefined;
    if (issue === undefined) continue;
    const message = `the trial ${JSON.stringify(trial)} is no recipe: ${issue.message}`;
    const { hint } = issue;
    return [{ code: 'wrong-value', keys: ['search', 'values'], message, ...(hint !== undefined && { hint }) }];
  }
  return [];
}

const isAt = ({ keys }: RecipeIssue, key: string): boolean => `${keys.join('.')}.`.startsWith(`${key}.`);

/** What is wrong with it whatever the recipe's keys may be. */
function ownIssues({ method, values, trials }: Search, recipe: Recipe): RecipeIssue[] {
  const wrong = (keys: PropertyKey[], message: string, hint?: string, instead?: unknown[]): RecipeIssue => ({
    ...{ code: 'wrong-value', keys: ['search', ...keys], message },
    ...(hint && { hint }),
    ...(instead && { instead }),
  });
  const keys = Object.keys(values);
  if (keys.length === 0) return [wrong(['values'], 'search.values names nothing to try.', SEARCH_HINT)];
  const issues = keys.flatMap((key): RecipeIssue[] => {
    const [top = '', ...below] = key.split('.');
    const at = ['values', key];
    if (!Object.hasOwn(recipeSchema.shape, top) || below.includes('__proto__')) return [unknownKey(key)];
    if (FIXED.has(top)) {
      const message = `search.values: with another ${top} candidates would not be measured on the same rows in the same way.`;
      return [wrong(at, message, 'Compare such recipes by runs of their own.')];
    }
    if (top === 'seed')
      return [
        wrong(
          at,
          'search.values: the best of several seeds is chance.',
          'To see how far they lie apart: luthier train RECIPE --seeds 3',
        ),
      ];
    if (method === 'halving' && LENGTHS.has(top))
      return [
        wrong(
          at,
          `search.values: with halving, ${top} is what the search itself varies.`,
          `Set ${top} in the recipe: it is how long the best is trained.`,
        ),
      ];
    const given = values[key]!;
    if (!isRange(given)) return [];
    if (method === 'grid')
      return [
        wrong(
          at,
          `search.values.${key} is a range, and a grid tries values one by one.`,
          'Write them as a list, or use "method": "random".',
        ),
      ];
    if (!(given.min < given.max))
      return [wrong(at, `search.values.${key} is from ${given.min} to ${given.max}; min must be below max.`)];
    if (given.scale === 'log' && given.min <= 0)
      return [
        wrong([...at, 'min'], `search.values.${key}.min is ${given.min}; with "scale": "log" it must be above 0.`),
      ];
    return [];
  });
  if (issues.length > 0) return issues;
  if (method === 'grid') {
    if (trials !== undefined)
      return [
        wrong(['trials'], 'search.trials is of random and halving: a grid tries every combination.', 'Remove it.'),
      ];
    const count = keys.reduce((product, key) => product * (values[key] as unknown[]).length, 1);
    if (count > MOST_TRIALS)
      return [
        wrong(
          ['values'],
          `The grid has ${count} combinations; ${MOST_TRIALS} are the most.`,
          'Use "method": "random" with "trials".',
        ),
      ];
  }
  if (method === 'halving' && trials !== undefined && trials < ETA)
    return [
      wrong(
        ['trials'],
        `search.trials is ${trials}; halving keeps one of ${ETA}, so it needs at least ${ETA}.`,
        undefined,
        [USUAL_TRIALS.halving],
      ),
    ];
  if (recipe.validation_split === 0 && hasNoValidation(recipe))
    return [
      wrong(
        [],
        'The search has no validation rows to compare by: validation_split is 0.',
        'Remove validation_split, or name a validation file in dataset.',
      ),
    ];
  return [];
}

const DATA_FILE = /\.(csv|tsv|jsonl?|ndjson|txt|conll|parquet|xlsx)$/i;

/** A dataset's folder may have rows held out of its own. */
const hasNoValidation = ({ dataset }: Recipe): boolean =>
  typeof dataset === 'string' ? DATA_FILE.test(dataset) : dataset.validation === undefined;

function unknownKey(key: string): RecipeIssue {
  const known = Object.keys(recipeSchema.shape).filter(isSearched);
  const inStrategy = strategiesWith('strategy', key);
  const near = inStrategy === undefined ? nearest(key, known, Math.max(3, key.length / 2)) : `strategy.${key}`;
  return {
    ...{ code: 'unknown-key', keys: ['search', 'values', key] },
    message: `unknown key "search.values.${key}"${near === undefined ? '.' : `; did you mean "${near}"?`}`,
    hint: inStrategy === undefined ? 'docs/recipe.md lists every key.' : `It is a key of "strategy". ${inStrategy}`,
    ...(near !== undefined && { instead: [near] }),
  };
}

/** An issue of a trial's recipe where the search gives the value. */
function placed(issue: RecipeIssue, key: string, place: PropertyKey, value: unknown): RecipeIssue {
  const { code, keys, message, says, hint, instead } = issue;
  const parts = key.split('.');
  const isOfKey = isAt(issue, key);
  const rest = isOfKey ? keys.slice(parts.length) : [];
  const more = hint === undefined ? {} : { hint };
  if (code === 'unknown-key' && isOfKey && rest.length === 0) {
    const prefix = parts
      .slice(0, -1)
      .map((part) => `${part}.`)
      .join('');
    return {
      ...{ code, keys: ['search', 'values', key], message, ...more },
      ...(instead && { instead: instead.map((name) => `${prefix}${String(name)}`) }),
    };
  }
  const name = typeof place === 'number' ? `search.values.${key}[${place}]` : `search.values.${key}.${String(place)}`;
  const isOfValue = isOfKey && rest.length === 0;
  return {
    code: rest.length === 0 ? 'wrong-value' : code,
    keys: ['search', 'values', key, place, ...rest],
    message:
      isOfValue && says !== undefined ? `"${name}" ${says}` : `"${name}" is ${JSON.stringify(value)}: ${message}`,
    ...more,
    ...(isOfKey && instead && { instead }),
  };
}

/** Keys that decide which others there are, in the order in which they are set: a strategy takes away another's keys. */
const STRATEGY_KEYS = ['strategy', 'strategy.type'];

/** The recipe as it is written with what a trial sets. */
export function withTrial(written: Record<string, unknown>, trial: Trial): Record<string, unknown> {
  const copy = structuredClone(written);
  const decide = STRATEGY_KEYS.filter((key) => key in trial);
  const others = Object.keys(trial).filter((key) => !decide.includes(key));
  for (const key of [...decide, ...others]) setKey(copy, key, structuredClone(trial[key]));
  return copy;
}

/** A trial without the keys that its strategy does not have: `strategy.r` is LoRA's. */
function fitting(trial: Trial, rest: Record<string, unknown>, check: Check): Trial {
  const checked = check(withTrial(rest, trial));
  const unknown = ('issues' in checked ? checked.issues : []).flatMap(({ code, keys }) =>
    code === 'unknown-key' ? [keys.join('.')] : [],
  );
  return Object.fromEntries(Object.entries(trial).filter(([key]) => !unknown.includes(key)));
}

const oneOf = (values: unknown[] | ValueRange): unknown => (isRange(values) ? values.min : values[0]);

/** What is tried first, with each of the strategies. */
function firstTrials({ values }: Search): Trial[] {
  const first = Object.fromEntries(Object.entries(values).map(([key, given]) => [key, oneOf(given)]));
  return STRATEGY_KEYS.reduce<Trial[]>(
    (found, key) => {
      const given = Object.hasOwn(values, key) ? values[key]! : [];
      if (isRange(given) || given.length === 0) return found;
      return found.flatMap((trial) => given.map((value) => ({ ...trial, [key]: value })));
    },
    [first],
  );
}

/** Ranges of keys that take whole numbers alone. */
export function integersIn(search: Search, rest: Record<string, unknown>, check: Check): ReadonlySet<string> {
  const firsts = firstTrials(search).map((first) => fitting(first, rest, check));
  const takes = (key: string, value: number) =>
    firsts.some((first) => 'recipe' in check(withTrial(rest, { ...first, [key]: value })));
  const ranges = Object.entries(search.values).filter((entry): entry is [string, ValueRange] => isRange(entry[1]));
  return new Set(
    ranges
      .filter(([, { min, max }]) => Number.isInteger(min) && Number.isInteger(max))
      .filter(([key, { min, max }]) => !takes(key, min + 0.5) || !takes(key, max - 0.5))
      .map(([key]) => key),
  );
}

/**
 * The trials of a recipe's search, each without the keys that its strategy does not have.
 * @param rest the recipe as it is written, without its search
 */
export const triedIn = (search: Search, rest: Record<string, unknown>, seed: number, check: Check): Trial[] =>
  trialsOf(search, seed, integersIn(search, rest, check), (trial) => fitting(trial, rest, check));

/**
 * The trials of a search, in the order in which they are drawn; of a grid the last key varies fastest, as in
 * scikit-learn's ParameterGrid. None twice: fewer than were asked for where there are no others.
 * @param seed of the recipe: the same search draws the same
 * @param integers keys whose ranges are of whole numbers
 * @param applied takes from a trial what does not apply to it
 */
export function trialsOf(
  { method, values, trials }: Search,
  seed: number,
  integers: ReadonlySet<string>,
  applied = (trial: Trial): Trial => trial,
): Trial[] {
  const lists = Object.entries(values).filter((entry): entry is [string, unknown[]] => !isRange(entry[1]));
  if (method === 'grid') {
    const all = combinations(lists).map(applied);
    return [...new Map(all.map((trial) => [JSON.stringify(trial), trial])).values()];
  }
  const random = new Random(seed, STREAM);
  const wanted = trials ?? USUAL_TRIALS[method];
  const drawn = new Map<string, Trial>();
  for (let repeats = 0; drawn.size < wanted && repeats < MOST_REPEATS; ) {
    const trial = applied(
      Object.fromEntries(
        Object.entries(values).map(([key, given]) => [
          key,
          isRange(given) ? draw(given, integers.has(key), random.float()) : given[random.below(given.length)],
        ]),
      ),
    );
    const name = JSON.stringify(trial);
    repeats = drawn.has(name) ? repeats + 1 : 0;
    drawn.set(name, trial);
  }
  return [...drawn.values()];
}

function combinations(lists: readonly [string, unknown[]][]): Trial[] {
  return lists.reduce<Trial[]>(
    (found, [key, values]) => found.flatMap((trial) => values.map((value) => ({ ...trial, [key]: value }))),
    [{}],
  );
}

/**
 * A value of a range. Of whole numbers each is as likely; with `log` their logarithms are, which is what rates are
 * searched by.
 * @param u uniform in [0, 1)
 */
export function draw({ min, max, scale = 'linear' }: ValueRange, isInteger: boolean, u: number): number {
  // Whole numbers stand for the interval up to the next.
  const end = isInteger ? max + 1 : max;
  const value = scale === 'log' ? Math.exp(Math.log(min) + u * (Math.log(end) - Math.log(min))) : min + u * (end - min);
  const rounded = isInteger ? Math.floor(value) : Number(value.toPrecision(DIGITS));
  return Math.min(max, Math.max(min, rounded));
}

/** Of so many candidates one goes on to the next rung, which trains that many times as long (Li et al. 2018: η). */
export const ETA = 3;

/** A rung of successive halving. */
export interface RungSize {
  /** Candidates that are trained in it. */
  count: number;
  /** Share of the whole training that each of them gets. */
  share: number;
}

/**
 * The rungs of one bracket of successive halving (Jamieson and Talwalkar 2016; Li et al. 2018, algorithm 1: nᵢ = ⌊n η⁻ⁱ⌋,
 * rᵢ = R ηⁱ⁻ˢ) for n candidates, with s = ⌊log_η n⌋: the last trains to the end.
 */
export function rungsOf(candidates: number): RungSize[] {
  let last = 0;
  while (ETA ** (last + 1) <= candidates) last++;
  return Array.from({ length: last + 1 }, (_, rung) => ({
    count: Math.floor(candidates / ETA ** rung),
    share: ETA ** (rung - last),
  }));
}
