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

/**
 * Numbers below 1.2e-38 count as zero. `exp` of a hidden key's score is one, which takes a processor a hundred times as long as
 * others: a softmax with half of its keys hidden took 6.0 ms and takes 1.0. Every session says so, because the first one of
 * a process decides for the thread that it runs on, where JavaScript's own numbers then lose theirs, too.
 */
export const DENORMAL_AS_ZERO = { set_denormal_as_zero: '1' } as const;

/** Library and version, for a run's fingerprint. */
export const libraryOf = ({ env }: OnnxRuntime): string =>
  `onnxruntime-node ${env.versions.node ?? env.versions.common}`;
