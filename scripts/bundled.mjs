// What a TypeScript module of the sources exports, for scripts that make files of it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

export const root = new URL('..', import.meta.url);

/** @param {string} source from the project's root on */
export async function importBundled(source) {
  const folder = await mkdtemp(join(tmpdir(), 'luthier-bundled-'));
  try {
    const outfile = join(folder, 'module.mjs');
    const entryPoints = [fileURLToPath(new URL(source, root))];
    await build({ entryPoints, bundle: true, platform: 'node', format: 'esm', outfile });
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(folder, { recursive: true });
  }
}
