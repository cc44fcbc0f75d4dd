import type * as Ort from 'onnxruntime-node';
import { LuthierError } from '../../../protocol/index.ts';

export type OnnxRuntime = typeof Ort;

export async function loadOnnxRuntime(): Promise<typeof Ort> {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    throw new LuthierError(
      'backend-unavailable',
      `onnxruntime-node does not load on this system (${process.platform} ${process.arch}): ${(error as Error).message}`,
      'Use --backend wasm, which needs no native library.',
      { cause: error },
    );
  }
}

/** Library and version, for a run's fingerprint. */
export const libraryOf = ({ env }: OnnxRuntime): string =>
  `onnxruntime-node ${env.versions.node ?? env.versions.common}`;
