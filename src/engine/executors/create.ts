import type { BackendChoice } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import type { Executor } from './executor.ts';
import { createOnnxRuntimeExecutor } from './onnxruntime.ts';

/** The executor that a recipe or a command names. */
export async function createExecutor(choice: BackendChoice): Promise<Executor> {
  switch (choice) {
    case 'auto':
    case 'onnxruntime':
      return createOnnxRuntimeExecutor();
    case 'tensorflow': {
      const { createTensorflowExecutor } = await import('./tensorflow.ts');
      return createTensorflowExecutor();
    }
    default:
      throw new LuthierError(
        'backend-unavailable',
        `The backend "${choice}" is not there yet.`,
        'Use --backend onnxruntime, which runs everywhere.',
      );
  }
}
