import { openOwnFile } from './regular-file.ts';

/** The last bytes of a text file of ours, empty when it cannot be read. */
export async function readTail(path: string, bytes = 4000): Promise<string> {
  try {
    const { handle, size } = await openOwnFile(path);
    try {
      const from = Math.max(0, size - bytes);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return '';
  }
}
