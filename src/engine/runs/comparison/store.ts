import { mkdir, open, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../../files/errno.ts';
import { slug } from '../../../files/names.ts';
import { processLives } from '../../../files/processes.ts';
import { readOwnFile } from '../../../files/regular-file.ts';
import { writeError, writeJson } from '../../../files/write-file.ts';
import { homeProblem } from '../../../guard/index.ts';
import { type Comparison, LuthierError } from '../../../protocol/index.ts';
import { COMPARISONS, readComparison } from '../../../runs/comparisons.ts';
import { fourLetters, ignoreExisting, requireNone } from '../folder.ts';

/** Its holder says that often that it lives; a lock this old is that of one whose process id somebody else has by now. */
const BEAT_MS = 5_000;
const STALE_MS = 30_000;

/** The comparisons of a `.luthier` folder. */
export class Comparisons {
  readonly #home: string;

  /** @param home the `.luthier` folder */
  constructor(home: string) {
    this.#home = home;
  }

  /** A name for a new one, by what it is about. */
  newId(data: string): string {
    return `${slug(data, 24, 'rows')}-${new Date().toISOString().slice(0, 10).replaceAll('-', '')}-${fourLetters()}`;
  }

  /** The newest one that asks the same and has not come to its end. */
  unfinished(question: string): Promise<Comparison | null> {
    return this.#newest(question, false);
  }

  /** The newest one that asks the same and is done. */
  finished(question: string): Promise<Comparison | null> {
    return this.#newest(question, true);
  }

  /** Files that cannot be read are none. */
  async #newest(question: string, isDone: boolean): Promise<Comparison | null> {
    let newest: Comparison | null = null;
    for (const name of await readdir(join(this.#home, COMPARISONS)).catch(() => [])) {
      const comparison = name.endsWith('.json') ? await readComparison(this.#home, name.slice(0, -5)) : null;
      if (comparison === null || comparison.question !== question) continue;
      if ((comparison.state === 'done') !== isDone) continue;
      if (newest === null || comparison.created_at > newest.created_at) newest = comparison;
    }
    return newest;
  }

  /** @throws LuthierError `run-untrusted`, `not-writable`, `disk-full` */
  async write(comparison: Comparison): Promise<void> {
    await this.#make();
    await writeJson(this.#path(comparison.id, 'json'), comparison);
  }

  /**
   * Works on a comparison while no other process does. A lock whose holder is gone is taken over.
   * @throws LuthierError `run-busy`
   */
  async whileHeld<T>(id: string, work: () => Promise<T>): Promise<T> {
    await this.#make();
    const path = this.#path(id, 'lock');
    await take(path);
    const beat = setInterval(() => {
      const now = new Date();
      utimes(path, now, now).catch(() => undefined);
    }, BEAT_MS);
    try {
      return await work();
    } finally {
      clearInterval(beat);
      await rm(path, { force: true });
    }
  }

  #path(id: string, ending: string): string {
    return join(this.#home, COMPARISONS, `${id}.${ending}`);
  }

  async #make(): Promise<void> {
    requireNone(await homeProblem(this.#home, COMPARISONS));
    try {
      await mkdir(join(this.#home, COMPARISONS), { recursive: true });
      await writeFile(join(this.#home, '.gitignore'), '*\n', { flag: 'wx' }).catch(ignoreExisting);
    } catch (error) {
      throw writeError(join(this.#home, COMPARISONS), error);
    }
  }
}

async function take(path: string): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw writeError(path, error);
    }
    const pid = Number((await readOwnFile(path, 100).catch(() => '')).toString());
    const beat = await stat(path).catch(() => null);
    if (beat !== null && Date.now() - beat.mtimeMs < STALE_MS && processLives(pid))
      throw new LuthierError(
        'run-busy',
        `The same comparison is being made by another process (${pid}).`,
        'Wait until it has ended.',
      );
    await rm(path, { force: true });
  }
  throw new LuthierError(
    'run-busy',
    'The same comparison is being made by another process.',
    'Wait until it has ended.',
  );
}
