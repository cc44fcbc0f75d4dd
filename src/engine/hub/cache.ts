import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errnoOf } from '../../files/errno.ts';
import { LuthierError } from '../../protocol/index.ts';
import { CONFIG_FILE, WEIGHTS_FILE, WEIGHTS_INDEX_FILE } from './model-folder.ts';

/*
 * The cache is huggingface_hub's, so that models fetched by Python are found and ours are found by Python:
 *   <cache>/models--<org>--<name>/refs/<revision>             holds the commit
 *                                /snapshots/<commit>/<file>   links to ../../blobs/<etag>
 *                                /blobs/<etag>                the bytes
 * https://huggingface.co/docs/huggingface_hub/guides/manage-cache
 */

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where huggingface_hub keeps models: HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub. */
export function defaultCacheFolder(env: Environment = process.env): string {
  return expand(env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(homeFolder(env), 'hub'));
}

const homeFolder = (env: Environment): string =>
  expand(env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface'));

/** `~/x` as a shell would read it; settings and recipes do not go through one. */
export const expand = (path: string): string => (/^~(?=$|[\\/])/.test(path) ? join(homedir(), path.slice(1)) : path);

/**
 * The user's Hugging Face token: HF_TOKEN, else the file that `hf auth login` writes; undefined without one.
 * It goes into no log and no error.
 */
export async function findToken(env: Environment = process.env): Promise<string | undefined> {
  const given = env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN;
  if (given?.trim()) return given.trim();
  try {
    const text = await readFile(expand(env.HF_TOKEN_PATH || join(homeFolder(env), 'token')), 'utf8');
    return text.trim() || undefined;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

export interface ModelName {
  /** `org/name`, or `name` alone as the oldest models have it. */
  id: string;
  /** Branch, tag or commit. */
  revision: string;
}

/** Reads `org/name` or `org/name@revision`; undefined for what cannot be a model's name on the hub. */
export function parseModelName(text: string): ModelName | undefined {
  const match = /^((?:[\w.-]+\/)?[\w.-]+)(?:@([\w][\w./-]*))?$/.exec(text);
  if (match === null) return undefined;
  const [, id, revision = 'main'] = match as unknown as [string, string, string?];
  const wrong = id.length > 96 || /--|\.\./.test(id) || id.split('/').some((part) => /^[.-]|[.-]$/.test(part));
  return wrong || !isRevision(revision) ? undefined : { id, revision };
}

const isRevision = (revision: string): boolean =>
  revision.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.includes('..'));

/** @throws LuthierError `usage` */
export function requireModelName(text: string): ModelName {
  const name = parseModelName(text);
  if (name?.id.startsWith('starters/'))
    throw new LuthierError(
      'usage',
      `${name.id} names a starter, which comes with Luthier, and nothing is downloaded.`,
      'Use it by that name; luthier models list shows the starters.',
    );
  if (name !== undefined) return name;
  throw new LuthierError(
    'usage',
    `"${text}" is not a model name on the Hugging Face hub.`,
    'A model name looks like google-bert/bert-base-uncased, or google-bert/bert-base-uncased@main with a revision.',
  );
}

export const repositoryFolder = (cacheFolder: string, id: string): string =>
  join(cacheFolder, `models--${id.replaceAll('/', '--')}`);

export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);

export interface CachedModel {
  id: string;
  commit: string;
  /** Snapshot folder. */
  path: string;
}

/**
 * Looks a model up in the cache, as huggingface_hub does without a network.
 * @returns its snapshot; `incomplete` when something of it is there but not config.json and weights; else `absent`
 */
export async function findCached(
  cacheFolder: string,
  name: ModelName,
): Promise<CachedModel | { id: string; state: 'incomplete' | 'absent'; path: string }> {
  const repository = repositoryFolder(cacheFolder, name.id);
  const commit = isCommit(name.revision) ? name.revision : await readRef(repository, name.revision);
  if (commit === undefined) return { id: name.id, state: 'absent', path: repository };
  const path = join(repository, 'snapshots', commit);
  const files = await list(path);
  if (files.length === 0) return { id: name.id, state: 'absent', path: repository };
  return hasWeights(files) ? { id: name.id, commit, path } : { id: name.id, state: 'incomplete', path };
}

/** Pickles count: openModelFolder then says how to convert them, which helps more than "download it". */
const hasWeights = (files: readonly string[]): boolean =>
  files.includes(CONFIG_FILE) &&
  files.some((file) => file === WEIGHTS_FILE || file === WEIGHTS_INDEX_FILE || /^pytorch_model.*\.bin$/.test(file));

async function readRef(repository: string, revision: string): Promise<string | undefined> {
  try {
    const commit = (await readFile(join(repository, 'refs', ...revision.split('/')), 'utf8')).trim();
    return isCommit(commit) ? commit : undefined;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

/** Names in a folder; none where there is no folder. */
async function list(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return [];
  }
}

/** Every model of the cache at its `main`, by name; of one whose files are not all there, the folder that it has. */
export async function listCached(cacheFolder: string): Promise<{ id: string; path: string; complete: boolean }[]> {
  const found: { id: string; path: string; complete: boolean }[] = [];
  for (const folder of (await list(cacheFolder)).sort()) {
    if (!folder.startsWith('models--')) continue;
    const name = parseModelName(folder.slice('models--'.length).replaceAll('--', '/'));
    if (name === undefined) continue;
    const model = await findCached(cacheFolder, name);
    const { id, path } = model;
    if ('commit' in model) found.push({ id, path, complete: true });
    else if (model.state === 'incomplete') found.push({ id, path, complete: false });
  }
  return found;
}
