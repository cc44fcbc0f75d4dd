import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { isFolder } from '../../files/folders.ts';
import { shellQuoted } from '../../files/shell.ts';
import { LuthierError } from '../../protocol/index.ts';
import { nearest } from '../../protocol/nearest.ts';
import { defaultCacheFolder, expand, findCached, listCached, parseModelName } from './cache.ts';
import { CONFIG_FILE } from './model-folder.ts';

export interface ResolvedModel {
  /** Absolute path of a model folder. */
  path: string;
  source: 'folder' | 'starter' | 'cache';
  /** For the log: which it was, and where. */
  note: string;
}

export interface ResolveOptions {
  /** Folder that relative names are looked up from: the recipe's. */
  base: string;
  /** Default: startersFolder(). */
  startersFolder?: string | undefined;
  /** Default: huggingface_hub's. */
  cacheFolder?: string | undefined;
}

/**
 * Finds the model that a recipe or a command names, in this order: a folder beside the recipe (or an absolute path),
 * a starter that comes with Luthier (`starters/bert`), a Hugging Face name in the cache. Nothing is downloaded.
 * @throws LuthierError `model-not-found`, saying where it was looked for, which one may be meant, and how to get it
 */
export async function resolveModel(name: string, options: ResolveOptions): Promise<ResolvedModel> {
  if (name.trim() === '') throw new LuthierError('model-not-found', 'The model name is empty.');
  const path = resolve(options.base, expand(name));
  const refuse = async (hint: string) => notFound(name, looked, await nearModel(name, options), hint);
  const looked: string[] = [];
  if (await isFolder(path)) {
    // A folder that happens to be called as a model of the hub must not hide that model.
    if (isPath(name) || existsSync(join(path, CONFIG_FILE))) {
      return { path, source: 'folder', note: `Model: the folder ${path}.` };
    }
    looked.push(`the folder ${path} (it has no ${CONFIG_FILE})`);
  } else {
    looked.push(`a folder ${path}`);
  }
  if (isPath(name)) throw await refuse('Check the path.');

  const starter = /^starters[\\/]([\w.-]+)$/.exec(name)?.[1];
  if (starter !== undefined) {
    const starterPath = join(options.startersFolder ?? startersFolder(), starter);
    if (existsSync(join(starterPath, CONFIG_FILE))) {
      return {
        path: starterPath,
        source: 'starter',
        note: `Model: ${name}, which comes with Luthier (${starterPath}).`,
      };
    }
    looked.push(`a starter at ${starterPath}`);
    throw await refuse('"luthier models list" shows the available models.');
  }

  const hubName = parseModelName(name);
  if (hubName === undefined) throw await refuse('"luthier models list" shows the available models.');
  const cacheFolder = resolve(options.cacheFolder ?? defaultCacheFolder());
  const cached = await findCached(cacheFolder, hubName);
  if ('commit' in cached) {
    const note = `Model: ${hubName.id} from the Hugging Face cache, commit ${cached.commit.slice(0, 8)} (${cached.path}).`;
    return { path: cached.path, source: 'cache', note };
  }
  looked.push(
    cached.state === 'incomplete'
      ? `the Hugging Face cache at ${cached.path} (found, but its weights are missing)`
      : `the Hugging Face cache at ${cacheFolder}`,
  );
  throw await refuse(`If it is on the Hugging Face hub, download it: luthier models download ${shellQuoted(name)}`);
}

function notFound(name: string, looked: string[], near: string | undefined, hint: string): LuthierError {
  return new LuthierError(
    'model-not-found',
    `Model "${name}" was not found; looked for ${looked.join(', then ')}.${near === undefined ? '' : ` Did you mean “${near}”?`}`,
    hint,
  );
}

/**
 * The model on this machine that a misspelt name may mean: a folder beside the one that it names, a starter, one of the
 * cache; a name without a slash may be the end of one that has some.
 */
export async function nearModel(name: string, options: ResolveOptions): Promise<string | undefined> {
  const path = resolve(options.base, expand(name));
  const most = Math.max(2, Math.floor(basename(path).length / 4));
  const beside = (await namesIn(dirname(path))).filter((other) => existsSync(join(dirname(path), other, CONFIG_FILE)));
  const folder = nearest(basename(path), beside, most);
  if (folder !== undefined) return `${name.replace(/[^\\/]*[\\/]*$/, '')}${folder}`;
  if (isPath(name)) return undefined;
  const starters = await namesIn(options.startersFolder ?? startersFolder());
  const cached = await listCached(resolve(options.cacheFolder ?? defaultCacheFolder()));
  const whole = cached.filter(({ complete }) => complete).map(({ id }) => id);
  const known = [...starters.map((starter) => `starters/${starter}`), ...whole];
  const near = nearest(name, known, most);
  if (near !== undefined || /[\\/]/.test(name)) return near;
  const ends = known.map((id) => basename(id));
  const end = nearest(name, ends, most);
  return known.find((id) => basename(id) === end);
}

/** None where there is no such folder. */
const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** Whether a name can only mean a place on the disk. */
const isPath = (name: string): boolean => isAbsolute(name) || /^(\.{1,2}|~)([\\/]|$)/.test(name);

/**
 * Folder of the starters: in the nearest folder above this code that is Luthier's own, be this the bundle in
 * dist/engine, an installed extension, or the sources under test.
 */
export function startersFolder(from: string = __dirname): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (isLuthier(join(folder, 'package.json'))) return join(folder, 'starters');
    if (folder === dirname(folder)) {
      throw new LuthierError('internal', `${from} is not in a copy of Luthier, so its starters cannot be found.`);
    }
  }
}

function isLuthier(packageFile: string): boolean {
  if (!existsSync(packageFile)) return false;
  try {
    const { name } = JSON.parse(readFileSync(packageFile, 'utf8')) as { name?: unknown };
    return name === 'luthier';
  } catch {
    return false;
  }
}
