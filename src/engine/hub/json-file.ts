import { readFile, stat } from 'node:fs/promises';
import { LuthierError } from '../errors.ts';
import { errnoOf } from './write-file.ts';

/** Far above any config, tokenizer or index that is meant seriously. */
const MAX_JSON_BYTES = 256 << 20;

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
    const { size } = await stat(path);
    if (size > MAX_JSON_BYTES)
      throw new LuthierError('model-invalid', `${path} has ${size} bytes, too many to be real.`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof LuthierError) throw error;
    throw new LuthierError('model-invalid', `${path} cannot be read (${errnoOf(error) ?? error}).`, undefined, {
      cause: error,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new LuthierError('model-invalid', `${path} is no JSON: ${(error as Error).message}.`, 'Download it again.', {
      cause: error,
    });
  }
  if (!isRecord(value)) throw new LuthierError('model-invalid', `${path} holds no JSON object.`, 'Download it again.');
  return value;
}
