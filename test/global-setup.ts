import { buildKernels } from '../scripts/build-kernels.mjs';

/** The engine's sources run in tests as they are, except for its kernels, which must be compiled first. */
export default async function setup(): Promise<void> {
  await buildKernels();
}
