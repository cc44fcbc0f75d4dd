import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildKernels } from '../scripts/build-kernels.mjs';

/**
 * The engine's sources run in tests as they are, except for its kernels, which must be compiled first, and the thread that
 * fills templates, which is a file of its own. Runs that tests make are remembered apart from the person's own
 * (test/setup.ts).
 */
export default async function setup(): Promise<() => Promise<void>> {
  await buildKernels();
  await build({
    absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
    entryPoints: { 'prompt-thread': 'src/engine/prompts/thread.ts' },
    outdir: 'dist/engine',
    ...{ bundle: true, platform: 'node', format: 'cjs', target: 'node20', outExtension: { '.js': '.cjs' } },
  });
  const data = await mkdtemp(join(tmpdir(), 'luthier-data-'));
  process.env.LUTHIER_TEST_DATA = data;
  return () => rm(data, { recursive: true, force: true });
}
