import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { nearFile } from '../../files/near-file.ts';
import { readRegularFile } from '../../files/regular-file.ts';
import { LuthierError } from '../../protocol/index.ts';
import { orMeant } from '../../protocol/nearest.ts';
import type { Pace } from '../data/pace.ts';
import { asReadError } from '../data/source.ts';
import { folderLeftOut, nameLeftOut } from './leave-out.ts';
import type { Tally } from './tally.ts';

/** A file that may be learnt from. */
export interface FoundFile {
  /** Relative to the folder, with `/`. */
  path: string;
  bytes: number;
}

const MOST_FILES = 200_000;
/** Of a file of git's rules. */
const MOST_RULES = 1 << 20;

/** Rules of a .gitignore, for what lies in the folder that it stands in (relative, with `/` at its end, or empty). */
interface Rules {
  base: string;
  rules: Ignore;
}

/**
 * The files of a folder and of those in it that may be learnt from by their names, by path; what is not is counted.
 * Links are not followed: what they lead to was not named. What git ignores is found by its own rules, of this folder,
 * of those in it and of those above it in the same repository.
 * @throws LuthierError `data-unreadable` for a folder that cannot be read, `data-invalid` for one with too many files
 */
export async function findFiles(folder: string, tally: Tally, pace: Pace): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  const above = await rulesAbove(folder);
  const go = async (at: string, rules: readonly Rules[]): Promise<void> => {
    await pace();
    const entries = await readdir(join(folder, at), { withFileTypes: true }).catch(async (error) => {
      if (at === '' && (error as NodeJS.ErrnoException).code === 'ENOENT')
        throw new LuthierError(
          'data-unreadable',
          `There is no folder ${folder}${orMeant(await nearFile(folder))}`,
          'Check the path.',
          { cause: error },
        );
      if (at === '') throw await asReadError(error, folder);
      tally.folder('unreadable', at.slice(0, -1));
      return [];
    });
    const own = await rulesIn(join(folder, at), at);
    const all = own ? [...rules, own] : rules;
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = at + entry.name;
      if (entry.isSymbolicLink()) tally.file('link', path);
      else if (entry.isDirectory()) {
        const reason = folderLeftOut(entry.name) ?? (isIgnored(`${path}/`, all) ? 'ignored' : null);
        if (reason) tally.folder(reason, path);
        else await go(`${path}/`, all);
      } else if (entry.isFile()) {
        const reason = isIgnored(path, all) ? 'ignored' : nameLeftOut(path);
        if (reason) tally.file(reason, path);
        else found.push({ path, bytes: 0 });
        if (found.length > MOST_FILES) {
          throw new LuthierError(
            'data-invalid',
            `${folder} has more than ${MOST_FILES.toLocaleString('en')} files; that is the limit.`,
            'Name a folder within it.',
          );
        }
      }
    }
  };
  await go('', above);
  const kept: FoundFile[] = [];
  for (const file of found) {
    await pace();
    const bytes = await stat(join(folder, file.path)).then(
      ({ size }) => size,
      () => null,
    );
    if (bytes === null) tally.file('unreadable', file.path);
    else kept.push({ ...file, bytes });
  }
  return kept;
}

/** The last rule that says something decides, those of deeper folders last. */
function isIgnored(path: string, all: readonly Rules[]): boolean {
  let result = false;
  for (const { base, rules } of all) {
    const within = base.startsWith('../') ? base.slice(3) + path : path.slice(base.length);
    const { ignored, unignored } = rules.test(within);
    if (ignored) result = true;
    else if (unignored) result = false;
  }
  return result;
}

async function rulesIn(folder: string, base: string, file = '.gitignore'): Promise<Rules | null> {
  const bytes = await readRegularFile(join(folder, file), MOST_RULES).catch(() => null);
  // What git does not take, such as a path that leads out, is not asked: names from a folder never are.
  return bytes && { base, rules: ignore({ allowRelativePaths: true }).add(bytes.toString('utf8')) };
}

/** Rules of the repository that the folder lies in, from its root on; none where it lies in none, or is the root. */
async function rulesAbove(folder: string): Promise<Rules[]> {
  const rules: (Rules | null)[] = [];
  for (let [at, way] = [folder, '']; ; ) {
    const isRoot = await stat(join(at, '.git')).then(
      () => true,
      () => false,
    );
    // Paths are then told from that folder on: `../` and the way down.
    if (way !== '') rules.unshift(await rulesIn(at, `../${way}`));
    if (isRoot) {
      rules.unshift(await rulesIn(at, way === '' ? '' : `../${way}`, '.git/info/exclude'));
      return rules.filter((one) => one !== null);
    }
    const parent = dirname(at);
    if (parent === at) return [];
    way = `${at.slice(parent.length).replace(/^[\\/]/, '')}/${way}`;
    at = parent;
  }
}
