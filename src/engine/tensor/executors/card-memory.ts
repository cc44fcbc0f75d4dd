import { bytesOfType } from '../graph/liveness.ts';
import { type DeviceMemory, type DeviceTensor, sizeOf } from './executor.ts';

/**
 * Bytes of one binding: maxStorageBufferBindingSize as every WebGPU adapter grants it (W3C, WebGPU, 3.6.2 Limits). Most
 * grant more, but onnxruntime-node 1.30 does not say what it was granted.
 */
export const LARGEST_BINDING = 128 * 2 ** 20;

/**
 * Counts the bytes of a graphics card that programs and their tensors take, since WebGPU tells neither how many there are
 * nor how many are free. The provider takes more than that: it rounds sizes up and keeps buffers to use them again.
 */
export class CardMemory implements DeviceMemory {
  #held = 0;
  #peak = 0;

  get held(): number {
    return this.#held;
  }

  get peak(): number {
    return this.#peak;
  }

  reset(): void {
    this.#peak = this.#held;
  }

  hold(bytes: number): void {
    this.#held += bytes;
    this.#peak = Math.max(this.#peak, this.#held);
  }

  release(bytes: number): void {
    this.#held -= bytes;
  }

  /**
   * A run takes so many bytes beside what is held.
   * @param limit bytes that the card is to have, for tests
   * @throws Error in the provider's words where that is too little
   */
  take(bytes: number, limit: number): void {
    const all = this.#held + bytes;
    if (all > limit) throw new Error(OUT_OF_MEMORY);
    this.#peak = Math.max(this.#peak, all);
  }
}

/** Bytes of a tensor. */
export const bytesOfSpec = ({ shape, dtype }: Pick<DeviceTensor, 'shape' | 'dtype'>): number =>
  sizeOf(shape) * bytesOfType(dtype);

/** What onnxruntime-node 1.30 throws where a buffer does not fit (test/parity/card.test.ts makes it do so). */
export const OUT_OF_MEMORY =
  'WebGPU validation failed. [Invalid Buffer (unlabeled)] is invalid due to a previous error.';
