import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Executor } from '../../src/engine/tensor/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../../src/engine/tensor/executors/onnxruntime.ts';
import { createTensorflowExecutor } from '../../src/engine/tensor/executors/tensorflow.ts';
import { createWasmExecutor } from '../../src/engine/tensor/executors/wasm.ts';
import { createWebGpuExecutor } from '../../src/engine/tensor/executors/webgpu.ts';

const tfjsNode = fileURLToPath(new URL('../node_modules/@tensorflow/tfjs-node', import.meta.url));

/** Asked for by the test runner, which then provides SwiftShader where there is no graphics card. */
const hasWebGpu = process.env.LUTHIER_TEST_WEBGPU === '1';

/** Whether the long forms run (`npm run test:all`). */
export const isAll = Boolean(process.env.LUTHIER_ALL);

/** So many of a run's steps as are followed: all where everything is asked for. */
export const followed = (all: number, few: number): number => (isAll ? all : Math.min(all, few));

/** So many of the cases as are tried: all where everything is asked for. */
export const tried = <T>(all: readonly T[], few: readonly T[]): readonly T[] => (isAll ? all : few);

/**
 * onnxruntime forgets the shaders that it has compiled with the last session on the card, and on a software driver they take
 * most of a test's time: one session is held open for a file's tests.
 * @returns what closes it
 */
export async function holdShaders(): Promise<() => void> {
  if (!hasWebGpu) return () => {};
  const executor = await createWebGpuExecutor();
  const held = await executor.compile(({ x }) => ({ y: x! }), { x: { shape: [1], dtype: 'float32' } });
  return () => held.dispose();
}

interface Tested {
  title: string;
  isThere: boolean;
  create(): Promise<Executor>;
  /** Largest relative distance from PyTorch's losses over 200 steps. */
  lossTolerance: number;
  /** Too slow for wide models where tests run. */
  isSlow?: boolean;
  /** Tolerance of an op that is looser than everyone's. */
  toleranceOf?: (op: string) => number | undefined;
}

/** Every executor that the parity cases run on; one that is not there on this machine says so in its title. */
export const EXECUTORS: readonly Tested[] = [
  {
    title: 'onnxruntime',
    isThere: true,
    lossTolerance: 1e-4,
    create: () => createOnnxRuntimeExecutor({ numThreads: 2 }),
  },
  {
    title: "tensorflow (skipped where tfjs-node's native part is not built)",
    isThere: existsSync(path.join(tfjsNode, 'lib/napi-v8/tfjs_binding.node')),
    lossTolerance: 1e-4,
    create: () => createTensorflowExecutor({ folder: tfjsNode, numThreads: 2 }),
  },
  {
    title: 'webgpu (skipped unless LUTHIER_TEST_WEBGPU=1: it needs a graphics card or SwiftShader)',
    isThere: hasWebGpu,
    lossTolerance: 1e-3,
    isSlow: true,
    // WebGPU's shading language promises no more of sin and cos: 2⁻¹¹ (W3C, WGSL, accuracy of expressions).
    toleranceOf: (op) => (/^(sin|cos):/.test(op) ? 2 ** -11 : undefined),
    create: () => createWebGpuExecutor(),
  },
  { title: 'wasm', isThere: true, lossTolerance: 1e-3, create: () => createWasmExecutor() },
];

/** Reads a file of test/parity/figures. */
export const figures = (name: string): URL => new URL(`figures/${name}`, import.meta.url);
