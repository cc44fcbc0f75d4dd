import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { maskSecrets, secretName } from '../../completions/secrets.ts';
import { readOwnFile } from '../../files/regular-file.ts';
import { type FileChoice, type LeftOutReason, LuthierError, type MaskedKind } from '../../protocol/index.ts';
import { decode } from '../data/encoding.ts';
import type { Pace } from '../data/pace.ts';
import { Problems } from '../data/problems.ts';
import { isProse, languageOf } from './languages.ts';
import { looksGenerated } from './leave-out.ts';
import type { Tally } from './tally.ts';
import type { FoundFile } from './walk.ts';

/** A file's text as it is learnt: in UTF-8, its secrets masked. */
export interface OwnText {
  path: string;
  text: string;
}

/** What was read, with what was found in it. */
export interface ReadFiles {
  texts: OwnText[];
  masked: MaskedKind[];
  encodings: { encoding: string; files: number }[];
}

/**
 * Reads files in an order that the seed draws until there is enough; what cannot be learnt from is counted.
 * @returns the texts by path
 */
export async function readFiles(
  files: readonly FoundFile[],
  { folder, seed, max_bytes }: Required<Pick<FileChoice, 'folder' | 'seed' | 'max_bytes'>>,
  { tally, pace, onProgress }: { tally: Tally; pace: Pace; onProgress?: ((done: number) => void) | undefined },
): Promise<ReadFiles> {
  const masked = new Map<string, { count: number; files: number }>();
  const encodings = new Map<string, number>();
  const seen = new Map<string, string>();
  const texts: OwnText[] = [];
  let bytes = 0;
  const drawn = files.map(({ path }) => ({ path, draw: drawOf(seed, path) })).sort((a, b) => a.draw - b.draw);
  for (const [done, { path }] of drawn.entries()) {
    await pace();
    onProgress?.(done);
    if (bytes >= max_bytes) {
      tally.file('beyond', path);
      continue;
    }
    const read = await readText(join(folder, path), pace);
    if (typeof read === 'string') {
      tally.file(read, path);
      continue;
    }
    const { text, masked: found } = maskSecrets(read.text);
    const key = createHash('sha256').update(text.trim()).digest('base64');
    if (seen.has(key)) {
      tally.file('repeated', path);
      continue;
    }
    seen.set(key, path);
    const size = Buffer.byteLength(text);
    // The last one may be much larger than what is left; of nothing there is nothing to learn.
    if (texts.length > 0 && bytes + size > 1.25 * max_bytes) {
      tally.file('beyond', path);
      continue;
    }
    bytes += size;
    texts.push({ path, text });
    if (!read.encoding.startsWith('utf-8')) encodings.set(read.encoding, (encodings.get(read.encoding) ?? 0) + 1);
    for (const [i, { kind }] of found.entries()) {
      const name = secretName(kind);
      const one = masked.get(name) ?? { count: 0, files: 0 };
      one.count++;
      if (found.findIndex((other) => secretName(other.kind) === name) === i) one.files++;
      masked.set(name, one);
    }
  }
  const most = <T extends { files: number }>(all: T[]) => all.sort((a, b) => b.files - a.files);
  return {
    texts: texts.sort((a, b) => (a.path < b.path ? -1 : 1)),
    masked: [...masked].map(([name, of]) => ({ name, ...of })).sort((a, b) => b.count - a.count),
    encodings: most([...encodings].map(([encoding, of]) => ({ encoding, files: of }))),
  };
}

/** A number from 0 to below 1 for a path: the same for the same seed, whatever other files there are. */
export function drawOf(seed: number, path: string): number {
  return createHash('sha256').update(`${seed}\0${path}`).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** How often a file that changes is read again. */
const TRIES = 2;
const MOST_BYTES = 64 * 2 ** 20;

/** A file's text, or why there is none to learn. A link that has taken its place meanwhile is not followed. */
async function readText(file: string, pace: Pace): Promise<{ text: string; encoding: string } | LeftOutReason> {
  for (let left = TRIES; left > 0; left--) {
    let bytes: Buffer;
    let isSame: boolean;
    try {
      const before = await stat(file);
      bytes = await readOwnFile(file, MOST_BYTES);
      const after = await stat(file);
      isSame = before.mtimeMs === after.mtimeMs && before.size === after.size && bytes.length === after.size;
    } catch {
      return 'unreadable';
    }
    if (!isSame) continue;
    if (bytes.every((byte) => byte <= 32)) return 'empty';
    return await textOf(bytes, file, pace);
  }
  return 'changed';
}

async function textOf(bytes: Buffer, file: string, pace: Pace) {
  try {
    const { bytes: utf8, encoding } = await decode(bytes, basename(file), undefined, new Problems(), pace);
    const text = utf8.toString('utf8');
    if (encoding.guess?.is_sure === false || (!encoding.isPlain && text.includes('\ufffd'))) return 'encoding';
    if (text.trim() === '') return 'empty';
    const kind = isProse(languageOf(basename(file)) ?? '') ? 'prose' : 'code';
    if (looksGenerated(text, kind)) return 'generated';
    return { text, encoding: encoding.name };
  } catch (error) {
    if (error instanceof LuthierError && error.code !== 'cancelled') return 'binary';
    throw error;
  }
}
