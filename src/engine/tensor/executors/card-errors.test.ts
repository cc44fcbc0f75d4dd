import { describe, expect, it } from 'vitest';
import { LuthierError } from '../../../protocol/index.ts';
import { cardError } from './card-errors.ts';
import { LOST } from './card-faults.ts';
import { OUT_OF_MEMORY } from './card-memory.ts';

const codeOf = (message: string) => {
  const error = cardError(new Error(message));
  return error instanceof LuthierError ? error.code : 'as it is';
};

describe('what goes wrong on a card', () => {
  it.each([
    // Thrown by onnxruntime-node 1.30 on SwiftShader for a buffer of 1.2 GB.
    [OUT_OF_MEMORY, 'not-enough-memory'],
    [
      'WebGPU validation failed. Buffer size (1228800000) exceeds the max buffer size limit (1073741824).',
      'not-enough-memory',
    ],
    ['vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY', 'not-enough-memory'],
    ['Failed to create GPU buffer: size=134217728, usage=140.', 'not-enough-memory'],
    // As Dawn and the drivers say it.
    [LOST, 'device-lost'],
    ['Failed to download data from buffer. wgpu::MapAsyncStatus value: 4, message: ', 'device-lost'],
    ['vkQueueSubmit failed with VK_ERROR_DEVICE_LOST', 'device-lost'],
    ['ID3D12Device::CreateHeap failed with DXGI_ERROR_DEVICE_REMOVED (0x887A0005)', 'device-lost'],
    ['Device lost', 'device-lost'],
    // A lost device, whatever else the words name.
    [
      'WebGPU validation failed. [Device] is lost.\n - While calling [Device].CreateBuffer([BufferDescriptor]).',
      'device-lost',
    ],
    ['Too many storage buffers in shader. Current: 17, Max is 12', 'backend-unavailable'],
    ['The dispatch group size exceeds WebGPU maximum.', 'backend-unavailable'],
    ['executor: a needs 4 values, got 3', 'as it is'],
  ])('%s is %s', (message, code) => {
    expect(codeOf(message)).toBe(code);
  });

  it('keeps what is an error of ours, and says the library’s words without the place in its code', () => {
    const ours = new LuthierError('cancelled', 'Cancelled.');
    expect(cardError(ours)).toBe(ours);
    const placed = '/src/buffer_manager.cc:120 Create buffer was false. Failed to create GPU buffer: size=16, usage=1.';
    expect((cardError(new Error(placed)) as LuthierError).message).toBe(
      'The graphics card is out of memory: Failed to create GPU buffer: size=16, usage=1.',
    );
  });
});
