import { LuthierError } from '../../../protocol/index.ts';
import { FEWER_PARAMETERS } from '../../fewer-parameters.ts';

/**
 * Dawn says of everything that is asked of it afterwards that the device “is lost”; the drivers' own words are Vulkan's and
 * Direct3D's, and Metal's “Device lost”. A buffer that was to be read when it happened is aborted (WGPUMapAsyncStatus 4).
 */
const LOST = /\bis lost\b|device (was )?lost|device_(lost|removed|hung|reset)|MapAsyncStatus value: 4\b/i;

/**
 * A buffer that could not be allocated is an “Invalid Buffer” where it is first used: why is only logged (“vkAllocateMemory
 * failed with VK_ERROR_OUT_OF_DEVICE_MEMORY”).
 */
const FULL = /\[Invalid Buffer\b|memory|allocat|buffer size|too large|Failed to create GPU buffer/i;

/** An operand that is larger than a binding takes several, of which an operation has a fixed number. */
const TOO_LARGE = /Too many storage buffers/;

/** What goes wrong on the card, in words for a person; defects of ours stay as they are. */
export async function onCard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw cardError(error);
  }
}

/** @returns a LuthierError `device-lost`, `not-enough-memory` or `backend-unavailable`, or the error itself where it is ours */
export function cardError(error: unknown): unknown {
  const reason = reasonOf(error);
  if (error instanceof LuthierError || /^(executor|graph)/.test(reason)) return error;
  const made = (code: 'device-lost' | 'not-enough-memory' | 'backend-unavailable', what: string, hint: string) =>
    new LuthierError(code, `The graphics card ${what}: ${reason}`, hint, { cause: error });
  if (LOST.test(reason))
    return made(
      'device-lost',
      'was lost (its driver was reset, the machine slept, or it was unplugged)',
      'Run it again, or use --backend onnxruntime.',
    );
  if (TOO_LARGE.test(reason))
    return made(
      'backend-unavailable',
      'cannot bind a tensor that is as large as one of this model',
      'Use --backend onnxruntime, or a base model with a smaller vocabulary. luthier backends shows what the card can bind.',
    );
  if (FULL.test(reason))
    return made(
      'not-enough-memory',
      'is out of memory',
      `Use --backend onnxruntime, lower per_device_train_batch_size or max_length, set gradient_checkpointing to true, or ${FEWER_PARAMETERS}.`,
    );
  return made('backend-unavailable', 'failed', 'Use --backend onnxruntime.');
}

/** onnxruntime puts file, line, function and condition before what it has to say. */
export const reasonOf = (error: unknown): string =>
  (error as Error).message.split('\n')[0]!.replace(/^\S*\.cc:\d+ .* was false\. /, '');
