import { FEWEST_ACCEPTED, type LearnedCompletion, parseLearned } from '../../completions/learned.ts';
import { isMissing } from '../../files/errno.ts';
import { nearFile } from '../../files/near-file.ts';
import { readOwnFile } from '../../files/regular-file.ts';
import { counted, LuthierError } from '../../protocol/index.ts';
import { orMeant } from '../../protocol/nearest.ts';
import { drawOf } from './read.ts';

/** Of accepted completions so many are held out: a fifth, but enough to compare on, and never most of them. */
const HELD_OUT = { share: 0.2, least: 4, most: 0.4 } as const;
const MOST_BYTES = 64 << 20;
/** Characters in front of a line by which it is known. */
const BEFORE_LINE = 300;
/** Shorter lines stand in many files. */
const TELLING = 16;

/** Completions that a person has accepted or replaced, divided into what is learnt and what is held out. */
export interface Learned {
  train: LearnedCompletion[];
  /** Accepted ones alone. */
  heldOut: LearnedCompletion[];
  /** On lines that are held out, but not accepted there. */
  left: LearnedCompletion[];
  broken: number;
}

/**
 * Reads them from their file, and holds some of those that were accepted out: by lines, which stay on their side when
 * others come.
 * @throws LuthierError `data-unreadable`; `data-invalid` where too few were accepted
 */
export async function readLearned(file: string, seed: number): Promise<Learned> {
  let text: string;
  try {
    text = (await readOwnFile(file, MOST_BYTES)).toString('utf8');
  } catch (error) {
    const near = isMissing(error) ? await nearFile(file) : undefined;
    throw new LuthierError(
      'data-unreadable',
      isMissing(error)
        ? `There is no file ${file} of completions to learn from${orMeant(near)}`
        : `${file} cannot be read, so its completions cannot be learnt: ${(error as Error).message}`,
      'Turn on Learn from My Completions in the editor, and accept some.',
      { cause: error },
    );
  }
  const { rows, broken } = parseLearned(text);
  return { ...divided(newest(rows), seed), broken: broken.length };
}

/** Of those that say the same at the same place the newest. */
function newest(rows: readonly LearnedCompletion[]): LearnedCompletion[] {
  return [...new Map(rows.map((row) => [JSON.stringify([row.file, row.prompt, row.completion]), row])).values()];
}

function divided(rows: readonly LearnedCompletion[], seed: number): Omit<Learned, 'broken'> {
  // At the beginning of a document there is nothing that a model could foretell it by.
  const accepted = rows.filter(({ outcome, prompt }) => outcome !== 'rejected' && prompt.trim() !== '');
  const order = [...new Set(accepted.map(lineKey))].map((key) => ({ key, draw: drawOf(seed, key) }));
  if (order.length < FEWEST_ACCEPTED) {
    throw new LuthierError(
      'data-invalid',
      `Suggestions were accepted on ${counted(order.length, 'line')} so far; learning from them takes ${FEWEST_ACCEPTED}.`,
      'Go on writing with completions, then try again.',
    );
  }
  order.sort((a, b) => a.draw - b.draw);
  const { share, least, most } = HELD_OUT;
  const drawn = order.filter(({ draw }) => draw < share).length;
  const count = Math.min(Math.max(least, drawn), Math.floor(most * order.length));
  const held = new Set(order.slice(0, count).map(({ key }) => key));
  const isHeld = (row: LearnedCompletion) => held.has(lineKey(row));
  const heldOut = accepted.filter(isHeld);
  // The same line may stand elsewhere, or have been written again.
  const lines = new Set(heldOut.map(lineOf));
  const tells = (row: LearnedCompletion) => isHeld(row) || lines.has(lineOf(row));
  return {
    heldOut,
    train: rows.filter((row) => !tells(row)),
    left: rows.filter((row) => tells(row) && !heldOut.includes(row)),
  };
}

const lineStart = ({ prompt }: LearnedCompletion): number => prompt.lastIndexOf('\n') + 1;

/** What several completions of one line have in common. */
function lineKey(row: LearnedCompletion): string {
  const start = lineStart(row);
  return JSON.stringify([row.file ?? null, row.prompt.slice(Math.max(0, start - BEFORE_LINE), start)]);
}

/** The line that one stands on, as it is now. */
const lineOf = (row: LearnedCompletion): string =>
  (row.prompt.slice(lineStart(row)) + row.completion.split('\n', 1)[0]!).trim();

/** Whether a file would tell of what is held out: where it stands, or which has the line, too. */
export function tellsOf(heldOut: readonly LearnedCompletion[]): (file: { path: string; text: string }) => boolean {
  const paths = new Set(heldOut.map(({ file }) => file));
  const lines = [...new Set(heldOut.map(lineOf))].filter((line) => line.length >= TELLING);
  return ({ path, text }) => paths.has(path) || lines.some((line) => text.includes(line));
}
