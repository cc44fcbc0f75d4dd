import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildKernels } from '../scripts/build-kernels.mjs';

/**
 * The engine's sources run in tests as they are, except for its kernels, which must be compiled first. Runs that tests
 * make are remembered apart from the person's own (test/setup.ts).
 */
export default async function setup(): Promise<() => Promise<void>> {
  await buildKernels();
  const data = await mkdtemp(join(tmpdir(), 'luthier-data-'));
  process.env.LUTHIER_TEST_DATA = data;
  return () => rm(data, { recursive: true, force: true });
}
