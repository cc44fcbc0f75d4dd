import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { exists } from '../../files/folders.ts';
import { openRegularFile, readRegularFile } from '../../files/regular-file.ts';
import { type DatasetReference, LuthierError } from '../../protocol/index.ts';
import { textFiles } from '../data/plain-text.ts';
import { decisivePart, SPLITS_FILE } from '../data/splits.ts';

const MAX_SPLITS_BYTES = 256 << 20;

/**
 * SHA-256 of a data set's files by what is in them, so that a resumed run notices that its rows have changed.
 * @param dataset with absolute paths
 * @param pretraining a file of texts that are learnt from before, where there is one
 * @throws LuthierError `data-unreadable`
 */
export async function hashDataset(dataset: DatasetReference, pretraining?: string): Promise<string> {
  const hash = createHash('sha256');
  const parts = {
    ...(typeof dataset === 'string' ? { train: dataset } : dataset),
    ...(pretraining !== undefined && { pretraining }),
  };
  for (const [part, path] of Object.entries(parts).sort()) {
    for (const file of await filesOf(path)) {
      try {
        if (file !== path && basename(file) === SPLITS_FILE) {
          const bytes = decisivePart(await readRegularFile(file, MAX_SPLITS_BYTES));
          if (bytes.length > 0) hash.update(`${part}\0`).update(bytes);
          continue;
        }
        hash.update(`${part}\0`);
        // Anything may stand in a dataset's folder; a device has no end, and a pipe none that comes.
        const { handle } = await openRegularFile(file);
        for await (const chunk of handle.createReadStream()) hash.update(chunk as Buffer);
      } catch (error) {
        throw unreadable(file, error);
      }
    }
  }
  return hash.digest('hex');
}

async function filesOf(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    // A folder without a dataset of its own is one of texts, which its folders belong to.
    if (!(await exists(join(path, 'dataset.json')))) return (await textFiles(path)).files;
    const names = (await readdir(path)).sort();
    // A file that another run is just writing stands beside under such a name.
    return names.filter((name) => !/^\..*\.tmp$/.test(name)).map((name) => join(path, name));
  } catch (error) {
    throw unreadable(path, error);
  }
}

const unreadable = (path: string, error: unknown) =>
  new LuthierError(
    'data-unreadable',
    `${path} cannot be read: ${String(error).replace(/\.$/, '')}.`,
    'Check that the file is still there.',
    {
      cause: error,
    },
  );
