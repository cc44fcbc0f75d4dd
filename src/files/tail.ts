import { openOwnFile } from './regular-file.ts';

/** The last lines of a text file of ours, of as many bytes at most; empty when it cannot be read. */
export async function readTail(path: string, bytes = 4000): Promise<string> {
  try {
    const { handle, size } = await openOwnFile(path);
    try {
      const from = Math.max(0, size - bytes);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
      const text = buffer.toString('utf8', 0, bytesRead);
      // What is cut at its beginning is no line; where it is the only one, its end is better than nothing.
      return from === 0 ? text : text.slice(text.indexOf('\n') + 1) || text;
    } finally {
      await handle.close();
    }
  } catch {
    return '';
  }
}
