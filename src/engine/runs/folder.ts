import { randomBytes } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { errnoOf } from '../../files/errno.ts';
import { isOwnFile } from '../../files/folders.ts';
import { slug } from '../../files/names.ts';
import { shellQuoted } from '../../files/shell.ts';
import { writeError } from '../../files/write-file.ts';
import { HOME, homeProblem, placeProblem, rememberRun } from '../../guard/index.ts';
import { LuthierError, RUN_FORMAT, type RunRecord, trainingData } from '../../protocol/index.ts';
import { orMeant } from '../../protocol/nearest.ts';
import { findRunFolders } from '../../runs/find.ts';
import { FILES } from '../../runs/folder.ts';
import { writeRecord } from '../../runs/record.ts';
import type { LoadedRecipe } from '../recipes/recipe.ts';
import type { KeptTemplate } from '../recipes/template.ts';
import { nearRun, runCalled } from './called.ts';

export interface NewRun extends LoadedRecipe {
  /** The run's own folder; without it one is made under `luthierFolder`. */
  out?: string;
  /** A `.luthier` folder; by default the one in the recipe's folder. */
  luthierFolder?: string;
  name?: string;
  tags?: string[];
  /** What `--set` put in the place of the file's keys. */
  sets?: readonly string[];
  state: 'queued' | 'starting';
  /** For a cross-validation: into how many folds, and whether a model is trained on all rows afterwards. */
  folds?: { count: number; final: boolean } | undefined;
  /** Where it is a candidate of one. */
  comparison?: RunRecord['comparison'] | undefined;
  /** For several trainings that differ in the seed alone: the recipe's own, and others. */
  seeds?: number[] | undefined;
}

/**
 * Makes a run's folder with its record.
 * @throws LuthierError `not-writable`, `disk-full`, or `usage` when `out` holds something already, or for a search
 */
export async function createRun(run: NewRun): Promise<{ folder: string; record: RunRecord }> {
  if (run.recipe.search !== undefined)
    throw new LuthierError(
      'usage',
      'The recipe has a search, which is many runs and not one.',
      'Start it with luthier train RECIPE, or with Start Run; remove “search” from the recipe to train it once.',
    );
  const luthier = resolve(run.luthierFolder ?? join(run.base, HOME));
  const template = await templateOf(run);
  const out = run.out === undefined ? undefined : resolve(run.out);
  requireNone(out === undefined ? await homeProblem(luthier, 'runs') : await placeProblem(out));
  let folder: string;
  try {
    if (out === undefined) {
      folder = await makeNewFolder(join(luthier, 'runs'), () => makeId(run));
      await writeFile(join(luthier, '.gitignore'), '*\n', { flag: 'wx' }).catch(ignoreExisting);
    } else {
      folder = out;
      await mkdir(folder, { recursive: true });
      await refuseUsedFolder(folder);
    }
  } catch (error) {
    const known = writeError(out ?? join(luthier, 'runs'), error);
    if (known instanceof LuthierError && known.code === 'not-writable') {
      throw new LuthierError(known.code, known.message, 'Use --out DIR to choose a folder that you can write to.');
    }
    throw known;
  }
  const id = out === undefined ? basename(folder) : slug(basename(out), 60, 'run');
  const record: RunRecord = {
    format: RUN_FORMAT,
    id,
    // A name without a letter would be shown as nothing.
    name: run.name?.trim() || id,
    note: '',
    ...(run.tags && { tags: run.tags }),
    state: run.state,
    recipe: run.recipe,
    data_rules: 2,
    ...(template && { template }),
    recipe_path: run.path,
    ...(run.sets && run.sets.length > 0 && { sets: [...run.sets] }),
    created_at: new Date().toISOString(),
    started_at: null,
    finished_at: null,
    step: 0,
    total_steps: 0,
    labels: [],
    best: null,
    ...(run.folds === undefined ? {} : { folds: { ...run.folds, results: [], deviations: {} } }),
    ...(run.comparison && { comparison: run.comparison }),
    ...(run.seeds === undefined ? {} : { seeds: { values: run.seeds, results: [], deviations: {} } }),
    model: null,
    error: null,
    environment: null,
  };
  await writeRecord(folder, record);
  // Where it cannot be remembered (a home folder that cannot be written), resuming asks whose run it is.
  await rememberRun(folder, record).catch(() => undefined);
  return { folder, record };
}

/** The template that the rows are read through, as it is now. @throws LuthierError `prompt-invalid` */
async function templateOf({ recipe }: LoadedRecipe): Promise<KeptTemplate | undefined> {
  if (recipe.template === undefined) return undefined;
  return (await import('../recipes/template.ts')).readTemplate(recipe.template);
}

/** @throws LuthierError `run-untrusted` when there is a reason not to touch a run's folder */
export function requireNone(problem: string | null): void {
  if (problem === null) return;
  throw new LuthierError(
    'run-untrusted',
    problem,
    'It may have come with the folder. Replace it with your own folder or file, or choose another folder with --out DIR.',
  );
}

/** For what may stand there already. */
export function ignoreExisting(error: unknown): void {
  if (errnoOf(error) !== 'EEXIST') throw error;
}

async function refuseUsedFolder(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.includes(FILES.record)) {
    throw new LuthierError(
      'run-busy',
      `${folder} already contains a run.`,
      `Choose another folder, or resume that run: luthier runs resume ${shellQuoted(folder)}`,
    );
  }
  if (names.length > 0) {
    throw new LuthierError('usage', `${folder} is not empty.`, 'Use --out to name a new or empty folder.');
  }
}

/** A folder that was not there before, called by the first of the names that nobody has: two runs never share one. */
async function makeNewFolder(parent: string, makeName: () => string): Promise<string> {
  await mkdir(parent, { recursive: true });
  for (;;) {
    const folder = join(parent, makeName());
    try {
      await mkdir(folder);
      return folder;
    } catch (error) {
      ignoreExisting(error);
    }
  }
}

/** Against chance: they end a name that two may be given at the same time. */
export const fourLetters = (): string =>
  Array.from(randomBytes(4), (byte) => 'abcdefghijkmnpqrstuvwxyz23456789'[byte % 32]).join('');

/** `tickets-bert-20261124-0815-k3f9`: what it learns from, what it starts from, when, and four letters against chance. */
function makeId(run: LoadedRecipe): string {
  const { dataset, model } = run.recipe;
  const file = trainingData(dataset);
  const data = slug(basename(file, extname(file)), 24, 'run');
  const now = new Date();
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `${data}-${slug(basename(model), 24, 'run')}-${day}-${two(now.getHours())}${two(now.getMinutes())}-${fourLetters()}`;
}

/**
 * The folder of a run given by its folder, its id, or the name that it was given.
 * @throws LuthierError `run-not-found`; `usage` for a name that several runs have
 */
export async function findRun(idOrFolder: string, base: string): Promise<string> {
  const direct = resolve(base, idOrFolder);
  if (await isOwnFile(join(direct, FILES.record))) return direct;
  const folders = await findRunFolders(base);
  const named = folders.find((folder) => basename(folder) === idOrFolder);
  if (named !== undefined) return named;
  const called = await runCalled(idOrFolder, folders);
  if (called !== undefined) return called;
  const hint =
    folders.length === 0
      ? 'No runs here yet. Start one with luthier train RECIPE.'
      : 'luthier runs list shows the runs here.';
  const near = await nearRun(idOrFolder, folders);
  throw new LuthierError('run-not-found', `No run ${idOrFolder} found in ${base}${orMeant(near)}`, hint);
}
