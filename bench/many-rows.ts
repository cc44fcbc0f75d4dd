import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { Random } from '../src/engine/data/random.ts';

const WORDS = 'the a shop parcel screen room was is very today lovely awful slow'.split(' ');
const WORDS_A_ROW = 20;
/** Rows of a piece that is written at once. */
const PIECE = 10_000;

/** Writes a CSV of so many different rows of 20 words in two classes; the last word is the row's number. */
export async function writeManyRows(path: string, rows: number): Promise<void> {
  const random = new Random(5);
  const file = createWriteStream(path);
  file.write('text,label\n');
  for (let i = 0; i < rows; ) {
    const lines: string[] = [];
    for (const end = Math.min(rows, i + PIECE); i < end; i++) {
      const text = Array.from({ length: WORDS_A_ROW - 1 }, () => WORDS[random.below(WORDS.length)]);
      lines.push(`${text.join(' ')} ${i},${i % 2 ? 'good' : 'bad'}`);
    }
    if (!file.write(`${lines.join('\n')}\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
}
