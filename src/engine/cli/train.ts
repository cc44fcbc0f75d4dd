import { basename, join, resolve } from 'node:path';
import { HOME } from '../../guard/index.ts';
import {
  isFoldCount,
  isSeedCount,
  LuthierError,
  MOST_FOLDS,
  MOST_SEEDS,
  type Recipe,
  seedsFrom,
} from '../../protocol/index.ts';
import { homeOf } from '../../runs/folder.ts';
import { requireEncoding } from '../data/encoding-names.ts';
import { type LoadedRecipe, loadRecipe } from '../recipes/recipe.ts';
import { createRun } from '../runs/folder.ts';
import { beginRun, refuseQueueDetached } from './begin.ts';
import { isDataFile } from './data-files.ts';
import { settleEncoding } from './encoding.ts';
import { EXIT, isInteractive, note, yellow } from './output.ts';
import { refuseRunOptions } from './refuse-options.ts';

export interface TrainOptions {
  set: string[];
  out?: string;
  backend?: string;
  encoding?: string;
  name?: string;
  /** Of a cross-validation; as it was typed. */
  folds?: string;
  final?: boolean;
  /** How many seeds the recipe is trained with; as it was typed. */
  seeds?: string;
  detach?: boolean;
  /** Waits in line until no other run works on this machine. */
  queue?: boolean;
  /** Finds a learning rate, and trains nothing that is kept. */
  rangeTest?: boolean;
  /** Of a search: writes the best recipe beside the one that searches. */
  write?: boolean;
  json?: boolean;
}

export async function train(recipeFile: string | undefined, options: TrainOptions): Promise<number> {
  const asked = foldsOf(options);
  const seedCount = seedsOf(options);
  refuseQueueDetached(options);
  if (options.rangeTest) refuseRunOptions('range-test', options);
  if (recipeFile !== undefined && isDataFile(recipeFile)) {
    throw new LuthierError(
      'usage',
      `${recipeFile} is a data file; luthier train takes a recipe.`,
      `Run luthier train without a file: it asks what it needs and can save a recipe. The smallest recipe: {"model": "starters/bert", "dataset": ${JSON.stringify(basename(recipeFile))}}`,
    );
  }
  const sets = [...options.set];
  if (options.backend !== undefined) sets.push(`backend=${options.backend}`);
  if (options.encoding !== undefined) sets.push(`encoding=${requireEncoding(options.encoding)}`);
  const loaded =
    recipeFile === undefined
      ? await ask(sets, options, asked === undefined && seedCount === undefined)
      : { ...(await loadRecipe(recipeFile, sets)), folds: null };
  if (loaded === null) return EXIT.interrupted;
  if (loaded.suggested)
    note(`Strategy: ${JSON.stringify(loaded.suggested)} (what is left out has the suggested values).`);
  const encoding = await settleEncoding(loaded.recipe, loaded.base, options.json ?? false);
  if (encoding === null) return EXIT.interrupted;
  if (encoding !== undefined) {
    loaded.recipe.encoding = encoding;
    sets.push(`encoding=${encoding}`);
  }
  // Without a file the person has just chosen what is read.
  if (loaded.path !== null) await tellOutside(loaded);
  if (options.rangeTest) return (await import('./range-test.ts')).testRange(loaded, options.json ?? false);
  const { search } = loaded.recipe;
  if (search !== undefined && loaded.path !== null) {
    const { searchRecipe } = await import('./search.ts');
    refuseRunOptions('search', options);
    return searchRecipe(loaded, search, sets, options);
  }
  if (options.write)
    throw new LuthierError(
      'usage',
      '--write is for a recipe with a search.',
      'Remove it, or add “search” to the recipe.',
    );
  const { folds: chosen, ...rest } = loaded;
  const folds = asked ?? (chosen === null ? undefined : { count: chosen, final: true });
  const seeds = seedCount === undefined ? undefined : seedsFrom(loaded.recipe.seed, seedCount);
  if (seeds && !hasValidationFile(loaded.recipe))
    note('Rows that are held out for validation are drawn by the seed, so each seed may be measured on others.');
  const { folder, record } = await createRun({
    ...rest,
    sets,
    seeds,
    state: options.queue ? 'queued' : 'starting',
    folds,
    ...(options.out === undefined ? {} : { out: resolve(options.out) }),
    ...(options.name === undefined ? {} : { name: options.name }),
  });
  return beginRun({ folder, record, home: homeOf(folder) ?? join(loaded.base, HOME) }, options);
}

/** A recipe that came with a repository can name any file: what lies outside of its project is said before it starts. */
export async function tellOutside(loaded: LoadedRecipe, roots?: readonly string[]): Promise<void> {
  const { readsOutside } = await import('../runs/outside.ts');
  for (const { part, path } of await readsOutside(loaded, roots)) {
    note(`${yellow('Note:')} the recipe reads a ${part} outside its project: ${path}`);
  }
}

async function ask(
  sets: string[],
  { json }: TrainOptions,
  mayFold: boolean,
): Promise<(LoadedRecipe & { folds: number | null }) | null> {
  if (json || !isInteractive()) {
    throw new LuthierError(
      'usage',
      'luthier train needs a recipe.',
      'For example: luthier train tickets.recipe.json. In a terminal, luthier train without a recipe asks what it needs.',
    );
  }
  const { askForRecipe } = await import('./ask.ts');
  return askForRecipe(sets, mayFold);
}

const hasValidationFile = ({ dataset }: Recipe): boolean =>
  typeof dataset !== 'string' && dataset.validation !== undefined;

/** @throws LuthierError `usage` */
function seedsOf({ seeds, folds }: TrainOptions): number | undefined {
  if (seeds === undefined) return undefined;
  if (folds !== undefined) {
    throw new LuthierError(
      'usage',
      '--seeds and --folds are both given: a run repeats its training with other seeds, or with other rows.',
      'Pass one of them.',
    );
  }
  const count = Number(seeds);
  if (isSeedCount(count)) return count;
  throw new LuthierError(
    'usage',
    `--seeds is ${seeds}; it must be a whole number from 2 to ${MOST_SEEDS}.`,
    '3 and 5 are common.',
  );
}

/** @throws LuthierError `usage` */
function foldsOf({ folds, final = true }: TrainOptions): { count: number; final: boolean } | undefined {
  if (folds === undefined) {
    if (final) return undefined;
    throw new LuthierError('usage', '--no-final needs --folds.', 'Pass --folds 5 as well.');
  }
  const count = Number(folds);
  if (!isFoldCount(count)) {
    throw new LuthierError(
      'usage',
      `--folds is ${folds}; it must be a whole number from 2 to ${MOST_FOLDS}.`,
      '5 and 10 are common.',
    );
  }
  return { count, final };
}
