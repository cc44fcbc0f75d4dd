import { LuthierError } from '../../protocol/index.ts';
import { linesIn, type ReadLines } from '../data/read-lines.ts';
import { MAX_BYTES } from '../data/source.ts';
import type { FileTexts } from '../infer/file-texts.ts';
import { say } from './evaluate.ts';
import { isInteractive, note } from './output.ts';

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

/** @throws LuthierError `usage` where both are given */
export function refuseBoth({ text, file }: { text: readonly string[]; file?: string | undefined }): void {
  if (text.length > 0 && file !== undefined)
    throw new LuthierError('usage', '--text and --file cannot be used together.', 'Pass one of them.');
}

/** The lines of standard input; that there are none is said. @param what is entered, in a word */
export async function linesEntered(what: string, encoding?: string): Promise<string[]> {
  if (isInteractive()) note(`Enter one ${what} per line; press Ctrl-D to end.`);
  const lines = told(await linesIn(await standardInput(), 'Standard input', encoding));
  if (lines.length === 0) say('warning', `There is no ${what} on standard input. --text and --file give some, too.`);
  return lines;
}

/** Which columns a file's texts were read from. */
export function tellColumns({ from, table }: FileTexts): void {
  if (table === null) return;
  const what = from.length > 1 ? 'columns' : 'column';
  say(
    'info',
    `Reading ${table.format === 'conll' ? 'the words of each sentence' : `${what} ${from.map((name) => `“${name}”`).join(' and ')}`}.`,
  );
}

/** The lines; what is odd about them is said. */
function told({ lines, problems }: ReadLines): string[] {
  for (const { severity, message } of problems) say(severity === 'info' ? 'info' : 'warning', message);
  return lines;
}
