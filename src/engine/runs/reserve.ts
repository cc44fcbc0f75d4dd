import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LuthierError, type RunRecord } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { writeRecord } from '../../runs/record.ts';

const NAME = '.reserve';
/** Room for a record and the last lines of the log, in whole blocks of any file system. */
const BYTES = 16 * 1024;

/**
 * A few blocks that a run keeps from its beginning, so that a full disk cannot keep the reason for its end from being
 * written: they are given back first.
 */
export class Reserve {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Where there is no room even for it, the run will say so itself. */
  static async make(folder: string): Promise<Reserve> {
    const reserve = new Reserve(folder);
    const path = join(folder, NAME);
    try {
      await rm(path, { force: true });
      const file = await open(path, 'wx');
      // Not zeros: some file systems keep those as a hole.
      await file.writeFile(Buffer.alloc(BYTES, 1)).finally(() => file.close());
    } catch {
      await reserve.release();
    }
    return reserve;
  }

  async release(): Promise<void> {
    await rm(join(this.#folder, NAME), { force: true }).catch(() => undefined);
  }

  /**
   * Writes a record that must be kept: on a full disk with the reserve's blocks, and where those were taken at once, over
   * the old record in its own.
   * @throws LuthierError `not-writable`, `disk-full`
   */
  async writeRecord(record: RunRecord): Promise<void> {
    try {
      await writeRecord(this.#folder, record);
      return;
    } catch (error) {
      if (!(error instanceof LuthierError && error.code === 'disk-full')) throw error;
    }
    await this.release();
    try {
      await writeRecord(this.#folder, record);
    } catch (error) {
      if (!(error instanceof LuthierError && error.code === 'disk-full')) throw error;
      await overwrite(join(this.#folder, FILES.record), `${JSON.stringify(record)}\n`);
    }
  }
}

async function overwrite(path: string, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  const file = await open(path, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
  try {
    // A text that does not fit must not leave half of itself: the blocks that are there must do.
    if (bytes.length > (await file.stat()).size) return;
    await file.write(bytes, 0, bytes.length, 0);
    await file.truncate(bytes.length);
    await file.sync();
  } finally {
    await file.close();
  }
}
