import type { Executor } from './executor.ts';

/**
 * The executor of this name; its code is loaded now, since most processes need one of four.
 * @throws LuthierError `backend-unavailable` with the reason, and what to do
 */
export async function createNamedExecutor(name: Executor['name']): Promise<Executor> {
  switch (name) {
    case 'onnxruntime':
      return (await import('./onnxruntime.ts')).createOnnxRuntimeExecutor();
    case 'webgpu':
      return (await import('./webgpu.ts')).createWebGpuExecutor();
    case 'tensorflow':
      return (await import('./tensorflow.ts')).createTensorflowExecutor();
    case 'wasm':
      return (await import('./wasm.ts')).createWasmExecutor();
  }
}
