// Compiles src/engine/tensor/kernels/assembly to WebAssembly. Called by esbuild.mjs and by the tests' set-up.
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = path.join(root, 'src/engine/tensor/kernels/assembly');

/** Where the engine looks for its kernels. */
export const kernelsFile = path.join(root, 'dist/engine/kernels.wasm');

/** Folder of the sources, to be watched. */
export const kernelsFolder = folder;

/**
 * Writes the kernels to `outFile` unless it is newer than all their sources.
 * @param {string} outFile
 * @returns {Promise<boolean>} whether it was written
 */
export async function buildKernels(outFile = kernelsFile) {
  const written = statSync(outFile, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = [fileURLToPath(import.meta.url), ...readdirSync(folder).map((name) => path.join(folder, name))];
  if (sources.every((file) => statSync(file).mtimeMs < written)) return false;

  const { default: asc } = await import('assemblyscript/asc');
  mkdirSync(path.dirname(outFile), { recursive: true });
  // Aside first: another process may be loading the old one.
  const aside = `${outFile}.${process.pid}`;
  const { error, stderr } = await asc.main([
    path.relative(root, path.join(folder, 'index.ts')),
    ...['--baseDir', root, '--outFile', path.relative(root, aside), '-O3', '--noAssert', '--runtime', 'stub'],
    ...['--importMemory', '--noExportMemory', '--enable', 'simd'],
  ]);
  if (error) throw new Error(`The kernels did not compile: ${error.message}\n${stderr.toString()}`);
  renameSync(aside, outFile);
  return true;
}
