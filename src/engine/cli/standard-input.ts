import { LuthierError } from '../../protocol/index.ts';
import { MAX_BYTES } from '../data/source.ts';

/** All of standard input. @throws LuthierError `data-unreadable` for more than a data file may have */
export async function standardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > MAX_BYTES) {
      throw new LuthierError(
        'data-unreadable',
        `Standard input is larger than ${MAX_BYTES / 2 ** 20} MB.`,
        'Split it, and predict one part at a time.',
      );
    }
  }
  return Buffer.concat(chunks);
}
