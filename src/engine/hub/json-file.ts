import { errnoOf } from '../../files/errno.ts';
import { readRegularFile } from '../../files/regular-file.ts';
import { LuthierError } from '../../protocol/index.ts';

/** Far above any config, tokenizer or index that is meant seriously. */
export const MAX_JSON_BYTES = 256 << 20;
/** Deeper than any file that is meant seriously, and far from where walking it would run out of stack. */
const MAX_JSON_DEPTH = 200;

export type JsonRecord = Record<string, unknown>;

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads a JSON object of a model folder.
 * @throws LuthierError `model-invalid`, naming the file
 */
export async function readJsonRecord(path: string): Promise<JsonRecord> {
  let text: string;
  try {
    text = (await readRegularFile(path, MAX_JSON_BYTES)).toString('utf8');
  } catch (error) {
    const why = errnoOf(error)?.startsWith('E') && error instanceof Error ? reasonOf(error) : String(error);
    throw new LuthierError('model-invalid', `${path} cannot be read (${why}).`, undefined, { cause: error });
  }
  return parseJsonRecord(
    text,
    (what) => new LuthierError('model-invalid', `${path} ${what}.`, 'Download or copy it again.'),
  );
}

/** A system error by its code; those of regular-file.ts by their words. */
const reasonOf = (error: Error): string => {
  const code = errnoOf(error)!;
  return ['ENOTREG', 'EFBIG'].includes(code) ? error.message.replace(/\.$/, '') : code;
};

/** Parses a JSON object from outside. `problem` makes the error of what is wrong, as in "is not JSON". */
export function parseJsonRecord(text: string, problem: (what: string) => Error): JsonRecord {
  const json = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  if (isNestedDeeper(json, MAX_JSON_DEPTH)) throw problem(`is nested more than ${MAX_JSON_DEPTH} levels deep`);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw problem(`is not JSON (${(error as Error).message})`);
  }
  if (!isRecord(value)) throw problem('must contain a JSON object');
  return value;
}

/** Whether brackets outside strings nest deeper than `depth`: reading or writing such a value would exhaust the stack. */
export function isNestedDeeper(json: string, depth: number): boolean {
  let open = 0;
  for (let i = 0; i < json.length; i++) {
    switch (json.charCodeAt(i)) {
      case 0x22: // "
        for (i++; i < json.length && json.charCodeAt(i) !== 0x22; i++) if (json.charCodeAt(i) === 0x5c) i++;
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++open > depth) return true;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        open--;
    }
  }
  return false;
}
