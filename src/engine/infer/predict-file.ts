import { extname } from 'node:path';
import { afterTurns } from '../../files/turns.ts';
import { writeFileAtomically } from '../../files/write-file.ts';
import type { Answer, DataProblem, GenerationSettings, Note, Texts } from '../../protocol/index.ts';
import { counted, LuthierError } from '../../protocol/index.ts';
import { readTable } from '../data/read.ts';
import { readLines } from '../data/read-lines.ts';
import { answer } from './answer.ts';
import type { Predictor } from './predictor.ts';
import type { Writer } from './writer.ts';

/** What a model adds to a row: a column each. */
type Added = Record<string, string | number>;

/** A model that answers rows. */
export interface RowAnswerer {
  /** Names of the columns that it reads, in the order in which they are looked for. */
  readonly columns: readonly string[];
  /** All of them are read, instead of the first that is there. */
  readonly readsAll: boolean;
  answer(texts: Texts[], onProgress: (done: number) => void, signal?: AbortSignal): Promise<Added[]>;
}

export interface PredictFileOptions {
  file: string;
  /** Written when all rows are answered. */
  out: string;
  encoding?: string | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Hears what is odd about the file. */
  note?: Note | undefined;
}

export interface PredictedFile {
  rows: number;
  path: string;
  /** Columns that were read, and those that were written. */
  from: string[];
  columns: string[];
}

/** A classifier: what `luthier predict` says, and how sure it is. */
export const rowsOfPredictor = (predictor: Predictor): RowAnswerer => ({
  columns: predictor.inputs ?? ['text'],
  readsAll: predictor.inputs?.length === 2,
  answer: async (texts, onProgress, signal) => {
    const answers: Answer[] = await predictor.predict(texts, onProgress, signal);
    return answers.map((answer) => {
      if ('label' in answer) return { prediction: answer.label, score: Math.round(answer.score * 1e4) / 1e4 };
      if ('labels' in answer) return { prediction: answer.labels.join('; ') };
      if ('value' in answer) return { prediction: answer.value };
      return { prediction: JSON.stringify(answer.entities) };
    });
  },
});

/** A model that writes: the continuation of each text, or the answer to it as a message. @param note hears what is to be said of answers */
export const rowsOfWriter = (
  writer: Writer,
  settings: GenerationSettings,
  asMessages: boolean,
  note: Note = () => {},
): RowAnswerer => ({
  columns: ['prompt', 'text'],
  readsAll: false,
  answer: async (texts, onProgress, signal) => {
    const answers: Added[] = [];
    const said = new Map<string, number>();
    for (const [stream, { text }] of texts.entries()) {
      const prompt = asMessages ? [{ role: 'user', content: text }] : text;
      const { generated_text, notes } = await answer(writer, prompt, { settings, signal, stream }).catch(
        (error: unknown) => {
          throw error instanceof LuthierError ? inRow(stream + 1, error) : error;
        },
      );
      answers.push({ generated_text });
      for (const message of notes) said.set(message, (said.get(message) ?? 0) + 1);
      onProgress(answers.length);
      await afterTurns();
      if (signal?.aborted) throw new LuthierError('cancelled', 'Prediction cancelled.');
    }
    for (const [message, count] of said) note('warning', `${counted(count, 'row')}: ${message}`);
    return answers;
  },
});

/** Of the row at which a file's answers end. */
const inRow = (row: number, error: LuthierError): LuthierError =>
  new LuthierError(error.code, `Row ${row}: ${error.message}`, error.hint, { cause: error });

/**
 * Answers each row of a file and writes all rows with the answers beside them: a delimited file with the same delimiter,
 * other files as JSON Lines. Nothing is written where it is cancelled or fails.
 * @throws LuthierError as readTable, as the model, `data-invalid` for a file without a column to read
 */
export async function predictFile(
  model: RowAnswerer,
  { file, out, encoding, onProgress, signal, note = () => {} }: PredictFileOptions,
): Promise<PredictedFile> {
  const { names, rows, delimiter } = await read(file, encoding, note);
  const from = columnsFor(model, names, rows, file);
  const places = from.map((name) => names.indexOf(name));
  const texts = rows.map((row): Texts => {
    const [text, pair] = places.map((place) => row[place] ?? '');
    return pair === undefined ? { text: text! } : { text: text!, text_pair: pair };
  });
  const added = await model.answer(texts, (done) => onProgress?.(done, rows.length), signal);
  // A file that was answered before keeps those answers.
  const columns = Object.keys(added[0] ?? {});
  const renamed = columns.map((name) => {
    let free = name;
    for (let n = 2; names.includes(free); n++) free = `${name}_${n}`;
    return free;
  });
  const lines =
    delimiter === null
      ? rows.map((row, i) => {
          const own = names.flatMap((name, j) => (row[j] === undefined ? [] : [[name, row[j]]]));
          const more = renamed.map((name, j) => [name, added[i]![columns[j]!]]);
          return JSON.stringify(Object.fromEntries([...own, ...more]));
        })
      : [
          [...names, ...renamed],
          ...rows.map((row, i) => [
            ...names.map((_, j) => row[j] ?? ''),
            ...columns.map((name) => String(added[i]![name])),
          ]),
        ].map((cells) => cells.map((cell) => quoted(cell, delimiter)).join(delimiter));
  await writeFileAtomically(out, lines.map((line) => `${line}\n`).join(''));
  return { rows: rows.length, path: out, from, columns: renamed };
}

/** Quoted as RFC 4180 has it, where it must be. */
const quoted = (cell: string, delimiter: string): string =>
  cell.includes(delimiter) || /["\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;

async function read(
  file: string,
  encoding: string | undefined,
  note: Note,
): Promise<{ names: string[]; rows: (string | undefined)[][]; delimiter: string | null }> {
  if (extname(file).toLowerCase() === '.txt') {
    const { lines, problems } = await readLines(file, encoding);
    tell(problems, note);
    return { names: ['text'], rows: lines.map((line) => [line]), delimiter: null };
  }
  const table = await readTable({ file }, { encoding });
  tell(table.problems, note);
  return {
    names: table.columns,
    rows: Array.from(table.rows, (row) => table.columns.map((_, i) => row.value(i))),
    delimiter: table.dialect?.delimiter ?? null,
  };
}

const tell = (problems: readonly DataProblem[], note: Note): void => {
  for (const { severity, message } of problems) note(severity === 'info' ? 'info' : 'warning', message);
};

/** The columns that a model reads: by their names, else the one that looks like text. */
function columnsFor(
  { columns, readsAll }: RowAnswerer,
  names: readonly string[],
  rows: readonly (string | undefined)[][],
  file: string,
): string[] {
  const there = columns.filter((name) => names.includes(name));
  if (readsAll ? there.length === columns.length : there.length > 0) return readsAll ? there : there.slice(0, 1);
  if (readsAll) {
    throw new LuthierError(
      'data-invalid',
      `${file} has no column ${columns.find((name) => !names.includes(name))}; the model reads ${columns.join(' and ')}.`,
      'Rename the columns of the file.',
    );
  }
  // The longest texts on average.
  const length = (i: number) => rows.reduce((n, row) => n + (row[i]?.length ?? 0), 0);
  const longest = names.map((_, i) => length(i));
  const best = longest.indexOf(longest.reduce((a, b) => Math.max(a, b), 0));
  if (best >= 0 && longest[best]! > 0) return [names[best]!];
  throw new LuthierError('data-invalid', `${file} has no texts.`, `Add a column ${columns[0]}.`);
}
