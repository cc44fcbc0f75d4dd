import { basename } from 'node:path';
import {
  type CompletionAnswer,
  type CompletionRequest,
  FEWEST_ROWS_FOR_INTERVALS,
  type Replay,
} from '../../protocol/index.ts';
import { languageOf } from '../collect/languages.ts';
import { Random } from '../data/random.ts';
import { middleOf } from './compare-texts.ts';

/** A file that is typed again. */
export interface ReplayFile {
  file: string;
  text: string;
}

export type Complete = (request: Omit<CompletionRequest, 'model'>) => Promise<Pick<CompletionAnswer, 'items'>>;

/** Characters in front of the cursor that are given, as the editor does. */
const BEFORE = 8000;
/** Shorter lines have nothing to suggest. */
const SHORTEST = 8;
const MOST_TOKENS = 24;
/** Requests for a line at most. */
const MOST_ASKED = 12;
const RESAMPLES = 1000;

interface Line {
  file: number;
  /** Where its text begins, behind the indentation, and where it ends. */
  start: number;
  end: number;
}

/**
 * Types some lines of files again, drawn by the seed, and counts what suggestions would have saved: one is asked for at
 * the beginning of each line and after each word, and accepted whole where it is what stands there. Nothing stands below
 * the cursor, as in a file that is written from top to bottom; accepting takes a key.
 */
export async function replay(
  files: readonly ReplayFile[],
  complete: Complete,
  {
    lines: count,
    seed,
    onProgress,
  }: { lines: number; seed: number; onProgress?: (done: number, total: number) => void },
): Promise<Replay> {
  const lines = drawn(linesOf(files), count, seed);
  const each: { characters: number; saved: number }[] = [];
  let [shown, accepted] = [0, 0];
  for (const [done, line] of lines.entries()) {
    onProgress?.(done, lines.length);
    const typed = await typeLine(files[line.file]!, line, complete);
    each.push({ characters: line.end - line.start, saved: typed.saved });
    shown += typed.shown;
    accepted += typed.accepted;
  }
  const sum = (key: 'characters' | 'saved') => each.reduce((total, one) => total + one[key], 0);
  return {
    ...{ lines: lines.length, files: new Set(lines.map(({ file }) => file)).size },
    ...{ characters: sum('characters'), saved: sum('saved'), shown, accepted, interval: intervalOf(each, seed) },
  };
}

/** What a person types without a suggestion in between: a word or signs, with the blanks before them. */
const WORD = /\s*(?:[\p{L}\p{M}\p{N}_]+|[^\p{L}\p{M}\p{N}_\s]+)|\s+/uy;

async function typeLine({ file, text }: ReplayFile, { start, end }: Line, complete: Complete) {
  const language = languageOf(basename(file)) ?? 'plaintext';
  let [at, saved, shown, accepted] = [start, 0, 0, 0];
  for (let asked = 0; at < end && asked < MOST_ASKED; asked++) {
    const before = text.slice(Math.max(0, at - BEFORE), at);
    const request = { language, before, after: '', extent: 'line', maxTokens: MOST_TOKENS } as const;
    const suggestion = before === '' ? '' : ((await complete(request)).items[0]?.text ?? '');
    if (suggestion !== '') shown++;
    if (suggestion !== '' && text.slice(at, end).startsWith(suggestion)) {
      accepted++;
      saved += suggestion.length - 1;
      at += suggestion.length;
      continue;
    }
    WORD.lastIndex = at;
    at += Math.max(1, WORD.exec(text)?.[0].length ?? 1);
  }
  return { saved, shown, accepted };
}

function linesOf(files: readonly ReplayFile[]): Line[] {
  return files.flatMap(({ text }, file) =>
    [...text.matchAll(/^[ \t]*([^\r\n]+?)[ \t]*$/gm)].flatMap(({ 0: all, 1: written = '', index }) => {
      const start = index + all.indexOf(written);
      return written.length < SHORTEST ? [] : [{ file, start, end: start + written.length }];
    }),
  );
}

/** Some of them, in their order. */
function drawn(lines: readonly Line[], count: number, seed: number): Line[] {
  const random = new Random(seed);
  const order = lines.map((line) => ({ line, draw: random.float() }));
  const taken = order.sort((a, b) => a.draw - b.draw).slice(0, count);
  return taken.map(({ line }) => line).sort((a, b) => a.file - b.file || a.start - b.start);
}

function intervalOf(each: readonly { characters: number; saved: number }[], seed: number) {
  if (each.length < FEWEST_ROWS_FOR_INTERVALS) return null;
  const random = new Random(seed, 1);
  const shares = Float64Array.from({ length: RESAMPLES }, () => {
    let [characters, saved] = [0, 0];
    for (let i = 0; i < each.length; i++) {
      const one = each[random.below(each.length)]!;
      characters += one.characters;
      saved += one.saved;
    }
    return saved / characters;
  });
  return middleOf(shares);
}
