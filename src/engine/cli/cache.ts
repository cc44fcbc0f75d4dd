import { counted, formatBytes } from '../../protocol/index.ts';
import { FeatureCache } from '../train/feature-cache.ts';
import { EXIT, note, print, printJson, table } from './output.ts';

const open = () => new FeatureCache((_, message) => note(message));

/** Outputs of frozen layers that were kept on disk, most recently used first. */
export async function listCache({ json }: { json?: boolean }): Promise<number> {
  const cache = open();
  const files = await cache.list();
  if (json) {
    for (const { path, bytes, used } of files) printJson({ path, bytes, used: used.toISOString() });
    return EXIT.done;
  }
  if (files.length > 0) {
    const rows = files.map(({ path, bytes, used }) => [
      used.toISOString().slice(0, 16).replace('T', ' '),
      formatBytes(bytes),
      path,
    ]);
    print(table(['last used', 'size', 'file'], rows, [1]));
  }
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const bound = cache.isOff ? 'turned off by LUTHIER_FEATURE_CACHE' : `at most ${formatBytes(cache.maxBytes)}`;
  if (files.length === 0) note(`The cache is empty: ${cache.folder} (${bound}).`);
  else note(`${formatBytes(total)} in ${cache.folder} (${bound}). Delete all: luthier cache clear`);
  return EXIT.done;
}

export async function clearCache({ json }: { json?: boolean }): Promise<number> {
  const cache = open();
  const files = await cache.clear();
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (json) printJson({ removed: files.length, bytes });
  else note(`Deleted ${counted(files.length, 'file')}, ${formatBytes(bytes)}, from ${cache.folder}.`);
  return EXIT.done;
}
