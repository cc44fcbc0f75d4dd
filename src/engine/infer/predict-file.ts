import { afterTurns } from '../../files/turns.ts';
import { writeFileAtomically } from '../../files/write-file.ts';
import type { Answer, GenerationSettings, Note, PredictedFile } from '../../protocol/index.ts';
import { counted, DEFAULT_NEW_TOKENS, formatCount, LuthierError, maskFills } from '../../protocol/index.ts';
import { quoteCell } from '../data/append.ts';
import type { Dialect } from '../data/delimited.ts';
import { withMembers } from '../data/json.ts';
import { places } from '../data/problems.ts';
import type { Table } from '../data/table.ts';
import { type RowText, throughTemplate } from '../prompts/row-template.ts';
import { answer } from './answer.ts';
import { AnswerNotes } from './answer-notes.ts';
import { errorAt, placeOf, type Reads, readFileTexts } from './file-texts.ts';
import { type Predictor, readsOf } from './predictor.ts';
import type { Writer } from './writer.ts';

/** What a model adds to a row: a column each. */
type Added = Record<string, string | number | readonly object[]>;

interface AnswerOptions {
  onProgress(done: number): void;
  /** A model that writes gives what it has answered until then. */
  signal?: AbortSignal | undefined;
  /** Hears what is to be said of answers. */
  note?: Note | undefined;
  /** What is answered, and on which of its lines each text begins; rows by their numbers where it is no file. */
  from?: { file: string; lines: readonly number[] };
}

/** A model that answers rows: all of them, or, where it is cancelled, those that it has come to. */
export interface RowAnswerer {
  readonly reads: Reads;
  answer(texts: RowText[], options: AnswerOptions): Promise<Added[]>;
}

export interface PredictFileOptions {
  file: string;
  /** Written when the rows are answered. */
  out: string;
  encoding?: string | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Hears what is odd about the file. */
  note?: Note | undefined;
}

/** A classifier: what `luthier predict` says, and how sure it is. */
export const rowsOfPredictor = (predictor: Predictor): RowAnswerer => ({
  reads: readsOf(predictor),
  answer: async (texts, { onProgress, signal, note = () => {} }) => {
    const answers: Answer[] = await predictor.predict(texts, onProgress, signal);
    noteLong(answers, predictor.maxLength, note);
    return answers.map((answer) => {
      if ('label' in answer) return { prediction: answer.label, score: Math.round(answer.score * 1e4) / 1e4 };
      if ('labels' in answer) return { prediction: answer.labels.join('; ') };
      if ('value' in answer) return { prediction: answer.value };
      if ('entities' in answer) return { prediction: answer.entities };
      const best = maskFills(answer).map(([first]) => first!);
      return {
        prediction: best.map(({ token_str }) => token_str.trim()).join('; '),
        ...(best.length === 1 && { score: Math.round(best[0]!.score * 1e4) / 1e4 }),
      };
    });
  },
});

/** An answer to a text that was cut is one to a part of it. */
export function noteLong(answers: readonly Answer[], maxLength: number, note: Note): void {
  const long = answers.filter((answer) => 'truncated' in answer && answer.truncated).length;
  if (long === 0) return;
  const which = `${formatCount(long)} of ${counted(answers.length, 'text')} ${long === 1 ? 'is' : 'are'}`;
  note(
    'warning',
    `${which} longer than the ${formatCount(maxLength)} tokens that the model reads; the rest of ${long === 1 ? 'it' : 'them'} was left out.`,
  );
}

/** A model that writes: the continuation of each text, or the answer to it as a message. */
export const rowsOfWriter = (writer: Writer, settings: GenerationSettings, asMessages: boolean): RowAnswerer => ({
  reads: { kind: 'prompts', template: writer.template?.asking },
  answer: async (texts, { onProgress, signal, note = () => {}, from }) => {
    const answers: Added[] = [];
    const said = new AnswerNotes('row', from ? 'line' : 'row');
    for (const [stream, { text, values }] of texts.entries()) {
      const prompt = asMessages ? [{ role: 'user', content: text }] : text;
      const { generated_text, finish_reason, notes } = await answer(writer, prompt, {
        ...{ settings, signal, stream, asTaught: true, values },
      }).catch((error: unknown) => {
        throw errorAt(from ? placeOf(from.file, from.lines[stream]!) : `Row ${stream + 1}`, error);
      });
      // Half an answer is none.
      if (finish_reason === 'cancelled') break;
      answers.push({ generated_text });
      const cut = `The answer is cut off after ${counted(settings.max_new_tokens ?? DEFAULT_NEW_TOKENS, 'token')}.`;
      for (const message of finish_reason === 'length' ? [...notes, cut] : notes)
        said.add(message, from?.lines[stream] ?? stream + 1);
      onProgress(answers.length);
      await afterTurns();
      if (signal?.aborted) break;
    }
    said.tell(note);
    return answers;
  },
});

/**
 * Answers each row of a file and writes all rows with the answers beside them: a delimited file with the same delimiter,
 * other files as JSON Lines, in which objects of JSON stay as they are written. Where it is cancelled the rows that were
 * answered are written, and nothing where none was or where it fails.
 * @throws LuthierError as readTable, as the model, `data-invalid` for a file without a column to read, `cancelled` where
 *   no row was answered
 */
export async function predictFile(
  model: RowAnswerer,
  { file, out, encoding, onProgress, signal, note = () => {} }: PredictFileOptions,
): Promise<PredictedFile> {
  const warnings: string[] = [];
  const tell: Note = (level, message) => {
    if (level === 'warning') warnings.push(message);
    note(level, message);
  };
  const { texts, lines, from, table } = await readFileTexts(file, model.reads, {
    ...{ encoding, note: tell, keepsSource: true },
  });
  if (model.reads.template) note('info', throughTemplate(model.reads.template));
  const added = await model.answer(texts, {
    ...{ signal, note: tell },
    onProgress: (done) => onProgress?.(done, texts.length),
    from: { file, lines },
  });
  if (added.length === 0 && texts.length > 0) throw new LuthierError('cancelled', 'No row was answered.');
  if (table) tellSurplus(table, added.length, tell);
  const names = table?.columns ?? from;
  // A file that was answered before keeps those answers.
  const columns = [...new Set(added.flatMap((answer) => Object.keys(answer)))];
  const renamed = columns.map((name) => {
    let free = name;
    for (let n = 2; names.includes(free); n++) free = `${name}_${n}`;
    return free;
  });
  // Not every answer has all of them: one to several masks has no score.
  const answers = added.map((answer) => columns.map((name) => answer[name]));
  const written = table?.dialect
    ? delimited(table, table.dialect, renamed, answers)
    : answers.map((values, i) => {
        const own = table?.sources?.at(i)?.value(0) ?? JSON.stringify(objectOf(table, i, texts[i]!));
        return withMembers(own, Object.fromEntries(renamed.map((name, j) => [name, values[j]])));
      });
  await writeFileAtomically(out, written.map((line) => `${line}\n`).join(''));
  return { rows: added.length, of: texts.length, path: out, from, columns: renamed, warnings };
}

/** In a row that is longer than the header, what is beyond stands under no column; its answer would, too. */
function tellSurplus({ rows, broken = new Uint32Array(), columns }: Table, answered: number, note: Note): void {
  const at = [...broken].filter((place) => place < answered).map((place) => rows.at(place)!);
  const lines = at.filter(({ values }) => values.length > columns.length).map(({ line }) => line);
  if (lines.length > 0) note('warning', `Cells beyond the last column are not written (${places(lines)}).`);
}

function delimited(
  { columns, rows }: Table,
  { delimiter, backslash = false }: Dialect,
  more: readonly string[],
  answers: readonly (Added[string] | undefined)[][],
): string[] {
  const line = (cells: readonly string[]) => cells.map((cell) => quoteCell(cell, delimiter, backslash)).join(delimiter);
  return [
    line([...columns, ...more]),
    ...answers.map((values, i) => {
      const row = rows.at(i)!;
      return line([
        ...columns.map((_, j) => row.value(j) ?? ''),
        ...values.map((answer = '') => (typeof answer === 'object' ? JSON.stringify(answer) : String(answer))),
      ]);
    }),
  ];
}

/** A row of no JSON, or a line: a sentence's words and tags are lists, and what the row lacks is left out. */
function objectOf(table: Table | null, place: number, { text }: RowText): Record<string, unknown> {
  if (!table) return { text };
  const { columns } = table;
  const row = table.rows.at(place)!;
  const cells = row.cells().filter(([column]) => column < columns.length);
  return Object.fromEntries(cells.map(([column, value]) => [columns[column]!, row.json(column) ?? value]));
}
