import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Executor } from '../../src/engine/executors/executor.ts';
import { createOnnxRuntimeExecutor } from '../../src/engine/executors/onnxruntime.ts';
import { createTensorflowExecutor } from '../../src/engine/executors/tensorflow.ts';
import { createWasmExecutor } from '../../src/engine/executors/wasm.ts';
import { createWebGpuExecutor } from '../../src/engine/executors/webgpu.ts';

const tfjsNode = fileURLToPath(new URL('../node_modules/@tensorflow/tfjs-node', import.meta.url));

/** Asked for by the test runner, which then provides SwiftShader where there is no graphics card. */
const hasWebGpu = process.env.LUTHIER_TEST_WEBGPU === '1';

/** Every executor that the parity cases run on; one that is not there on this machine says so in its title. */
export const EXECUTORS: readonly { title: string; isThere: boolean; create(): Promise<Executor> }[] = [
  { title: 'onnxruntime', isThere: true, create: () => createOnnxRuntimeExecutor({ numThreads: 2 }) },
  {
    title: "tensorflow (skipped where tfjs-node's native part is not built)",
    isThere: existsSync(path.join(tfjsNode, 'lib/napi-v8/tfjs_binding.node')),
    create: () => createTensorflowExecutor({ folder: tfjsNode, numThreads: 2 }),
  },
  {
    title: 'webgpu (skipped unless LUTHIER_TEST_WEBGPU=1: it needs a graphics card or SwiftShader)',
    isThere: hasWebGpu,
    create: () => createWebGpuExecutor(),
  },
  { title: 'wasm', isThere: true, create: () => createWasmExecutor() },
];

/** Reads a file of test/parity/figures. */
export const figures = (name: string): URL => new URL(`figures/${name}`, import.meta.url);
