import { LuthierError } from '../protocol/index.ts';
import { orMeant } from '../protocol/nearest.ts';
import { isMissing } from './errno.ts';
import { nearFile } from './near-file.ts';
import { NotRegularError, readRegularFile, TooLargeError } from './regular-file.ts';

export interface TextKind {
  /** Of the errors. */
  code: 'recipe-invalid' | 'prompt-invalid' | 'usage';
  /** `a recipe`. */
  noun: string;
  /** Bytes. */
  most: number;
  /** What to do where the file cannot be read. */
  hint: string;
  /** The file as an error that it cannot be read names it; its path where none is given. */
  subject?: string;
  /** Whether a byte order mark stays in the text, whose places are then those of the file. */
  keepsMark?: true;
}

/**
 * The text of a file that a person wrote.
 * @throws LuthierError of the kind's code when there is no such file, it is none, it is too large, or not UTF-8
 */
export async function readTextFile(path: string, kind: TextKind): Promise<string> {
  const { code, noun, most, hint, subject = path, keepsMark = false } = kind;
  let bytes: Buffer;
  try {
    bytes = await readRegularFile(path, most);
  } catch (error) {
    const near = isMissing(error) ? await nearFile(path) : undefined;
    throw new LuthierError(code, `${subject} ${whyUnread(error, noun, most)}${orMeant(near)}`, hint, { cause: error });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: keepsMark }).decode(bytes);
  } catch (error) {
    throw new LuthierError(code, `${path} is not UTF-8 text.`, 'Save it as UTF-8.', { cause: error });
  }
}

function whyUnread(error: unknown, noun: string, most: number): string {
  if (error instanceof NotRegularError) return `is a ${error.kind}`;
  if (error instanceof TooLargeError)
    return `has ${error.size.toLocaleString('en')} bytes; ${noun} has at most ${most.toLocaleString('en')}`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
}
