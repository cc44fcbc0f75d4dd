import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ModelEntry } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { defaultCacheFolder, listCached } from '../hub/cache.ts';
import { openModelFolder } from '../hub/model-folder.ts';
import { startersFolder } from '../hub/resolve.ts';
import { findRunFolders, readRecord } from '../runs/folder.ts';

/**
 * Every model that a recipe can start from: starters, model folders of the given folders, the Hugging Face cache, and
 * what runs have written.
 * @param folders where to look for model folders and runs
 */
export async function listModels(folders: readonly string[], cacheFolder?: string): Promise<ModelEntry[]> {
  const found: (ModelEntry | null)[] = [];
  const starters = startersFolder();
  for (const name of await folderNames(starters)) {
    found.push(await describe(`starters/${name}`, 'starter', join(starters, name)));
  }
  for (const folder of folders) {
    for (const name of await folderNames(folder)) found.push(await describe(name, 'folder', join(folder, name)));
    for (const name of await folderNames(join(folder, '.luthier', 'models'))) {
      found.push(await describe(name, 'folder', join(folder, '.luthier', 'models', name)));
    }
  }
  for (const { id, path } of await listCached(cacheFolder ?? defaultCacheFolder())) {
    found.push(await describe(id, 'cache', path));
  }
  const runs = new Set((await Promise.all(folders.map((folder) => findRunFolders(folder)))).flat());
  for (const run of runs) {
    const record = await readRecord(run).catch(() => null);
    if (record?.model != null) found.push(await describe(basename(run), 'run', join(run, record.model)));
  }
  return found.filter((entry) => entry !== null);
}

async function folderNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((e) => e.isDirectory() && !e.name.startsWith('.')).map((e) => e.name);
}

/** Null for a folder that is no model, or one that cannot be used: choosing it by name says why. */
async function describe(name: string, source: ModelEntry['source'], path: string): Promise<ModelEntry | null> {
  if (
    !(await readFile(join(path, 'config.json')).then(
      () => true,
      () => false,
    ))
  )
    return null;
  try {
    const { config, weights } = await openModelFolder(path);
    try {
      const names = weights.names();
      const trained = names.some((tensor) => tensor.startsWith('classifier.'));
      const labels = config.id2label;
      return {
        name,
        source,
        path,
        model_type: String(config.model_type),
        bytes: await bytesOf(path),
        num_parameters: names.reduce((sum, n) => sum + weights.shape(n).reduce((a, b) => a * b, 1), 0),
        labels: trained && typeof labels === 'object' && labels !== null ? Object.values(labels).map(String) : null,
      };
    } finally {
      await weights.close();
    }
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
