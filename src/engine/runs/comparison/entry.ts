import {
  type Candidate,
  type Compared,
  candidateName,
  LuthierError,
  type RecipeInput,
  type RunEstimate,
} from '../../../protocol/index.ts';
import { listed } from '../../data/problems.ts';
import { applySets, InvalidRecipe, type LoadedRecipe, resolveRecipe } from '../../recipes/recipe.ts';
import { inFloat } from '../../strategies/kind.ts';
import { type Rows, ways } from './candidates.ts';

/** A candidate with all that is needed to try it. */
export interface Entry {
  candidate: Candidate;
  loaded: LoadedRecipe;
  estimate: RunEstimate | null;
}

interface EntriesOptions {
  compared: Compared;
  base: string;
  /** `key=value` for the recipe of every candidate that can take it. */
  sets?: readonly string[] | undefined;
  /** What ways and models are suggested for; null of a search, whose recipe a person has written. */
  rows: Rows | null;
}

/**
 * Candidates with their recipes complete; of a rung with the length that its candidates train for. A `--set` that some
 * cannot take (fp16 where a classifier is solved, a key of another strategy) is left out for these. Where one changes
 * the strategy, a candidate is what is suggested for that strategy, and called by it; ways that are the same then are one.
 * @returns with a note for each key that was left out, and for ways that became the same
 * @throws LuthierError `recipe-invalid` where no candidate can take it, or a recipe is invalid without any; `usage` for a
 *   key in whose place the command has names
 */
export async function entriesOf(
  suggested: readonly Candidate[],
  { compared, base, sets = [], rows }: EntriesOptions,
): Promise<{ entries: Entry[]; notes: string[] }> {
  if (compared !== 'search') refuseNamed(sets, compared);
  const resolved = await Promise.all(suggested.map((candidate) => asTrained(candidate, base, sets, rows)));
  const entries = resolved.map(({ candidate, loaded, refused }): Entry => {
    const taken = sets.filter((set) => !refused.some((one) => one.set === set) && !IS_OF_MACHINE.test(set));
    const recipe = applySets(candidate.recipe, taken) as RecipeInput;
    return { candidate: { ...candidate, recipe }, loaded, estimate: null };
  });
  const notes = sets.flatMap((set) => {
    const without = resolved.flatMap(({ refused }, at) => {
      const found = refused.find((one) => one.set === set);
      return found ? [{ name: candidateName(compared, entries[at]!.candidate), error: found.error }] : [];
    });
    const [first] = without;
    if (first === undefined) return [];
    if (without.length === suggested.length) throw first.error;
    const [issue] = first.error.issues;
    const names = without.map(({ name }) => name);
    return [doesNotApply(keyOf(set), names, issue!.code === 'unknown-key' ? undefined : issue!.message)];
  });
  if (compared !== 'ways') return { entries, notes };
  const once = waysOnce(entries, suggested);
  return { entries: once.entries, notes: [...notes, ...once.notes] };
}

/** That some candidates go without a key. @param reason a sentence, where there is more to say than that they do not have it */
export const doesNotApply = (key: string, names: readonly string[], reason?: string): string =>
  `${key} does not apply to ${listed([...new Set(names)])} and is left out there${reason === undefined ? '.' : `: ${reason}`}`;

/** What the command itself names, and how. */
const NAMED_BY = {
  model: { ways: '--model NAME', models: '--models NAME,NAME' },
  dataset: { ways: 'luthier compare-ways DATA', models: 'luthier compare-models DATA' },
} as const;

/**
 * Candidates are suggested for the models and rows that the command names, and called by them.
 * @throws LuthierError `usage`
 */
function refuseNamed(sets: readonly string[], compared: 'ways' | 'models'): void {
  for (const [key, how] of Object.entries(NAMED_BY)) {
    if (!sets.some((set) => keyOf(set).split('.')[0] === key)) continue;
    throw new LuthierError(
      'usage',
      `--set ${key} would put another ${key} in the place of those that candidates are suggested for.`,
      `Name it instead: ${how[compared]}`,
    );
  }
}

/** Of ways that a --set has made the same, the one that was suggested as such is tried, or else the first. */
function waysOnce(entries: readonly Entry[], suggested: readonly Candidate[]): { entries: Entry[]; notes: string[] } {
  const kept = new Map<string, { entry: Entry; others: string[]; isOwn: boolean }>();
  for (const [at, entry] of entries.entries()) {
    const [trained, before] = [entry.candidate.strategy, suggested[at]!.strategy];
    const known = kept.get(trained);
    const isOwn = before === trained;
    const others = [...(known?.others ?? []), ...(isOwn ? [] : [before])];
    const takes = known === undefined || (isOwn && !known.isOwn);
    kept.set(trained, takes ? { entry, others, isOwn } : { ...known, others });
  }
  const notes = [...kept].flatMap(([trained, { others, isOwn }]) =>
    others.length + (isOwn ? 1 : 0) < 2
      ? []
      : [`${listed(others)} ${others.length === 1 ? 'is' : 'are'} trained as ${trained} here, which is tried once.`],
  );
  return { entries: [...kept.values()].map(({ entry }) => entry), notes };
}

/**
 * A candidate with all of `sets` that go with it. Where these change its strategy, what is suggested for the new one takes
 * its place: another strategy has another learning rate, and other epochs.
 */
async function asTrained(
  suggested: Candidate,
  base: string,
  sets: readonly string[],
  rows: Rows | null,
): Promise<Resolved & { candidate: Candidate }> {
  const withSets = async (one: Candidate) => {
    const candidate = { ...one, recipe: givingWay(one.recipe, sets) };
    return { candidate, ...(await resolve(candidate, base, sets)) };
  };
  const found = await withSets(suggested);
  const { type } = found.loaded.recipe.strategy;
  if (rows === null || type === suggested.strategy) return found;
  const [other] = await ways(rows, suggested.model, [type]);
  return await withSets(other!);
}

/** A recipe as it is suggested has 8 bits for processors: where fp16 or 4 bits are asked for, it goes without. */
function givingWay(recipe: RecipeInput, sets: readonly string[]): RecipeInput {
  const { strategy } = recipe;
  if (!strategy || !sets.some((set) => /^\s*(fp16|strategy\.load_in_4bit)\s*=\s*true\s*$/.test(set))) return recipe;
  return { ...recipe, strategy: inFloat(strategy) };
}

/** A backend is a machine's: recipes that are written do not name it. */
const IS_OF_MACHINE = /^\s*backend\s*=/;

const keyOf = (set: string): string => set.slice(0, set.indexOf('=')).trim();

interface Resolved {
  loaded: LoadedRecipe;
  /** What does not go with the recipe, and why. */
  refused: { set: string; error: InvalidRecipe }[];
}

/**
 * The recipe with all of `sets` that go with it: without the fewest that must be left out.
 * @throws InvalidRecipe where sets exclude each other, so that either of them could be left out
 */
async function resolve({ recipe, rung }: Candidate, base: string, sets: readonly string[]): Promise<Resolved> {
  const length = rung ? [`${rung.key}=${rung.value}`] : [];
  const tried = async (some: readonly string[]): Promise<LoadedRecipe | InvalidRecipe> => {
    try {
      return await resolveRecipe(recipe, base, [...some, ...length]);
    } catch (error) {
      if (error instanceof InvalidRecipe) return error;
      throw error;
    }
  };
  const whole = await tried(sets);
  if (!(whole instanceof InvalidRecipe)) return { loaded: whole, refused: [] };
  for (let count = 1; count <= sets.length; count++) {
    const found: Resolved[] = [];
    for (const without of subsetsOf([...new Set(sets)], count)) {
      const rest = sets.filter((set) => !without.includes(set));
      const loaded = await tried(rest);
      if (loaded instanceof InvalidRecipe) continue;
      const refused: Resolved['refused'] = [];
      for (const set of without) {
        const error = await tried(sets.filter((other) => other === set || rest.includes(other)));
        refused.push({ set, error: error instanceof InvalidRecipe ? error : whole });
      }
      found.push({ loaded, refused });
    }
    if (found.length === 1) return found[0]!;
    if (found.length > 1) break;
  }
  throw whole;
}

/** Every choice of so many of some. */
function subsetsOf(some: readonly string[], count: number): string[][] {
  if (count === 0) return [[]];
  return some.flatMap((first, at) => subsetsOf(some.slice(at + 1), count - 1).map((rest) => [first, ...rest]));
}

/** Whether a comparison's file has this candidate. */
export const isSame = (a: Candidate, b: Candidate): boolean =>
  a.strategy === b.strategy &&
  a.model === b.model &&
  JSON.stringify([a.values, a.rung]) === JSON.stringify([b.values, b.rung]);

export function leaveOut(candidate: Candidate, reason: string): void {
  Object.assign(candidate, { state: 'left-out', reason });
}

export function fail(candidate: Candidate, reason: string): void {
  Object.assign(candidate, { state: 'failed', reason });
}
