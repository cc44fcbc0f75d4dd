import { basename } from 'node:path';
import { readRegularFile } from '../../files/regular-file.ts';
import type { DataProblem } from '../../protocol/index.ts';
import { decode } from './encoding.ts';
import { pacer } from './pace.ts';
import { Problems } from './problems.ts';
import { asReadError, MAX_BYTES } from './source.ts';

export interface ReadLines {
  /** As they are, empty ones too, so that answers and lines can be matched; a last line end ends the last line. */
  lines: string[];
  /** What is odd about their encoding. */
  problems: DataProblem[];
}

/**
 * Lines of text in any encoding that data files may have.
 * @param bytes what standard input gave, say
 * @param name as messages call it
 * @throws LuthierError `data-unreadable`, `usage` (an encoding that there is not)
 */
export async function linesIn(bytes: Buffer, name: string, encoding?: string): Promise<ReadLines> {
  if (bytes.every((byte) => byte === 32 || (byte >= 9 && byte <= 13))) {
    return { lines: split(bytes.toString('latin1')), problems: [] };
  }
  const problems = new Problems();
  const decoded = await decode(bytes, name, encoding, problems, pacer());
  return { lines: split(decoded.bytes.toString('utf8')), problems: problems.list() };
}

/** Lines of a file. @throws LuthierError as linesIn, and `data-unreadable` for what is no file or too large */
export async function readLines(file: string, encoding?: string): Promise<ReadLines> {
  try {
    return await linesIn(await readRegularFile(file, MAX_BYTES), basename(file), encoding);
  } catch (error) {
    throw await asReadError(error, file);
  }
}

function split(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
