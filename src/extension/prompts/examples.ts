import { basename, dirname, join } from 'node:path';
import { exists, isOwnFile } from '../../files/folders.ts';
import { readRegularFile } from '../../files/regular-file.ts';
import { writeFileAtomically } from '../../files/write-file.ts';
import { HostError } from '../errors.ts';

/** What takes an example out again. */
export interface KeptExample {
  file: string;
  /** 1-based. */
  line: number;
  /** The file's text behind which it was written, and with it. */
  before: string;
  after: string;
}

/** More examples are a dataset. */
const MOST_BYTES = 16 << 20;

/** The file of a template's expected examples: `reply.examples.jsonl` beside `reply.prompty`. */
export const examplesFile = (template: string): string =>
  join(dirname(template), `${basename(template).replace(/\.(prompty|prompt\.md)$/, '')}.examples.jsonl`);

/**
 * Writes values and the answer that is expected of them as a further line of the template's examples.
 * @throws HostError where the file is a link or no file; LuthierError where it cannot be written
 */
export async function keepExample(
  template: string,
  example: { inputs: Record<string, unknown>; answer: string },
): Promise<KeptExample> {
  const file = examplesFile(template);
  const before = await textOf(file);
  const end = before === '' || before.endsWith('\n') ? '' : '\n';
  const after = `${before}${end}${JSON.stringify(example)}\n`;
  await writeFileAtomically(file, after);
  return { file, line: after.split('\n').length - 1, before, after };
}

/** Takes an example out again. @throws HostError where the file has changed since */
export async function undoKeep({ file, before, after }: KeptExample): Promise<void> {
  if ((await textOf(file)) !== after) {
    throw new HostError(
      'data-invalid',
      `${basename(file)} has changed since the example was written, and was left as it is.`,
      'Open the file and delete the line.',
    );
  }
  await writeFileAtomically(file, before);
}

async function textOf(file: string): Promise<string> {
  if (!(await exists(file))) return '';
  if (!(await isOwnFile(file))) {
    throw new HostError('not-writable', `${basename(file)} is a link or no file, and examples are not written there.`);
  }
  return (await readRegularFile(file, MOST_BYTES)).toString('utf8');
}
