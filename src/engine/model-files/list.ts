import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HOME } from '../../guard/index.ts';
import {
  type AnswerName,
  LuthierError,
  type ModelDescription,
  type ModelEntry,
  TASKS,
  writesByClass,
} from '../../protocol/index.ts';
import { findRunFolders } from '../../runs/find.ts';
import { readRecord } from '../../runs/record.ts';
import { defaultCacheFolder, listCached } from '../hub/cache.ts';
import { readModelCard } from '../hub/model-card.ts';
import { CONFIG_FILE, type ModelFolder, openModelFolder } from '../hub/model-folder.ts';
import { startersFolder } from '../hub/resolve.ts';
import type { Architecture } from '../models/architecture.ts';
import { classesOf } from '../models/classes.ts';
import { architectureOf } from '../models/registry.ts';
import { maskOf } from '../tasks/fill-mask/answer.ts';
import { answeringOfModel, taskOfModel } from '../tasks/registry.ts';
import { Tokenizer } from '../text/tokenizer.ts';
import { hasChatTemplate } from '../text/tokenizer-files.ts';
import { checkWeights } from './load-weights.ts';

/**
 * Every model that a recipe can start from: starters, model folders of the given folders, the Hugging Face cache, and
 * what runs have written.
 * @param folders where to look for model folders and runs
 */
export async function listModels(folders: readonly string[], cacheFolder?: string): Promise<ModelEntry[]> {
  const found: (ModelEntry | null)[] = [];
  const starters = startersFolder();
  for (const name of await folderNames(starters)) {
    found.push(await describe(`starters/${name}`, 'starter', join(starters, name), true));
  }
  for (const folder of folders) {
    for (const name of await folderNames(folder)) found.push(await describe(name, 'folder', join(folder, name)));
    for (const name of await folderNames(join(folder, HOME, 'models'))) {
      found.push(await describe(name, 'folder', join(folder, HOME, 'models', name), true));
    }
  }
  for (const { id, path } of await listCached(cacheFolder ?? defaultCacheFolder())) {
    found.push(await describe(id, 'cache', path, true));
  }
  const runs = new Set((await Promise.all(folders.map((folder) => findRunFolders(folder)))).flat());
  for (const run of runs) {
    const record = await readRecord(run).catch(() => null);
    // A run is called by the name that it was given; its folder keeps the first one.
    if (record?.model != null) found.push(await describe(record.name, 'run', join(run, record.model), true));
  }
  return found.filter((entry) => entry !== null);
}

/**
 * One model: what a list says about it, and what marks a place that it fills in. One that cannot be used has the reason.
 * @param path any folder
 */
export async function describeModel(path: string, name: string): Promise<ModelDescription> {
  const entry = (await describe(name, 'folder', path, true))!;
  if (entry.answers !== 'fill-mask') return { ...entry, mask: null };
  try {
    return { ...entry, mask: maskOf(await Tokenizer.load(path)).token };
  } catch (error) {
    if (!(error instanceof LuthierError)) throw error;
    return { ...entry, mask: null, problem: problemOf(error) };
  }
}

const problemOf = ({ message, hint }: LuthierError): string => [message, hint].filter(Boolean).join(' ');

async function folderNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((e) => e.isDirectory() && !e.name.startsWith('.'))
    .map((e) => e.name)
    .sort();
}

/**
 * What stands in a list about a model; one that cannot be used is listed with the reason.
 * @param isMeant whether the place is one for models alone. Elsewhere a folder without weights, or with the config.json
 *   of another program, is no model: null.
 */
async function describe(
  name: string,
  source: ModelEntry['source'],
  path: string,
  isMeant = false,
): Promise<ModelEntry | null> {
  const files: string[] = await readdir(path).catch(() => []);
  if (!files.includes(CONFIG_FILE) && !isMeant) return null;
  const card = await readModelCard(path);
  const entry: ModelEntry = {
    ...{ name, source, path, model_type: '', num_parameters: 0, tasks: [], answers: null, labels: null, problem: null },
    bytes: await bytesOf(path),
    languages: card.languages,
  };
  try {
    const folder = await openModelFolder(path);
    const { config, weights } = folder;
    try {
      const names = weights.names();
      entry.model_type = typeof config.model_type === 'string' ? config.model_type.slice(0, 60) : '';
      entry.num_parameters = names.reduce((sum, n) => sum + weights.shape(n).reduce((a, b) => a * b, 1), 0);
      const architecture = architectureOf(config, join(path, CONFIG_FILE), taskOfModel(config));
      checkWeights(folder, architecture);
      const learnable = TASKS.map(({ name }) => name);
      // One with a prompt answers, and is not trained further.
      const trained = folder.prompt ? [] : architecture.tasks;
      entry.tasks = trained.flatMap((task) => learnable.filter((name) => name === task));
      entry.labels = labelsOf(folder, architecture);
      entry.answers = answersOf(folder, entry.labels, await hasChatTemplate(path));
    } finally {
      await weights.close();
    }
  } catch (error) {
    if (!(error instanceof LuthierError)) throw error;
    const looksLikeOne = isMeant || files.some((file) => file.startsWith('model') && file.includes('.safetensors'));
    if (!looksLikeOne) return null;
    entry.problem = problemOf(error);
  }
  return entry;
}

/** What it answers without having learnt more: a class that it has learnt, a token for a mask, more of a text. */
function answersOf(folder: ModelFolder, labels: string[] | null, hasChat: boolean): AnswerName | null {
  const { config, path } = folder;
  const answering = answeringOfModel(config, hasChat);
  if (labels !== null) return answering.name;
  if (writesByClass(config.architectures)) return answering.name;
  if (answering.name !== 'fill-mask') return null;
  try {
    checkWeights(folder, architectureOf(config, join(path, CONFIG_FILE), answering));
    return answering.name;
  } catch (error) {
    // The layers alone, under the name of the whole: it can learn something.
    if (error instanceof LuthierError) return null;
    throw error;
  }
}

/** A base model's, or another task's, are none: it can be fine-tuned, and has no classes; nor has one that writes. */
function labelsOf(folder: ModelFolder, architecture: Architecture): string[] | null {
  if (architecture.outputs !== undefined) return null;
  try {
    return classesOf(folder, architecture);
  } catch (error) {
    if (error instanceof LuthierError) return null;
    throw error;
  }
}

/** Bytes of a model's files. Those of the Hugging Face cache are links into its blobs, and count as what they name. */
async function bytesOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = names.map((name) =>
    stat(join(folder, name)).then(
      (file) => (file.isFile() ? file.size : 0),
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
