import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import type { BackendChoice } from '../../protocol/index.ts';
import { guessColumns } from '../data/columns.ts';
import { readTable } from '../data/read.ts';
import { asReadError } from '../data/source.ts';
import { LuthierError } from '../errors.ts';
import { findModel } from '../runs/target.ts';
import { createPredictor } from '../train/predictor.ts';
import { dim, EXIT, isInteractive, note, print, printJson } from './output.ts';
import { ProgressLine } from './progress-line.ts';

export interface PredictCommandOptions {
  text: string[];
  file?: string;
  textColumn?: string;
  backend?: BackendChoice;
  json?: boolean;
}

export async function predict(model: string, options: PredictCommandOptions): Promise<number> {
  const { path } = await findModel(model, process.cwd());
  const loading = createPredictor(path, {
    note: (_, message) => note(message),
    ...(options.backend ? { backend: options.backend } : {}),
  });
  loading.catch(() => undefined);
  const texts = await readTexts(options);
  const predictor = await loading;
  const progress = new ProgressLine('Predicting');
  const predictions = await predictor
    .predict(texts, (done) => progress.update(done, texts.length))
    .finally(() => progress.close());
  const width = Math.max(0, ...predictor.labels.map((label) => label.length));
  for (const { text, label, score, scores } of predictions) {
    if (options.json) printJson({ text, label, score, scores });
    else print(`${label.padEnd(width)}  ${score.toFixed(3)}  ${dim(oneLine(text))}`);
  }
  predictor.dispose();
  return EXIT.done;
}

const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim();

async function readTexts({ text, file, textColumn }: PredictCommandOptions): Promise<string[]> {
  if (text.length > 0 && file !== undefined) {
    throw new LuthierError('usage', '--text and --file are both given.', 'Give one of them.');
  }
  if (text.length > 0) return text;
  if (file !== undefined) return fromFile(resolve(file), textColumn);
  if (isInteractive()) note('One text a line; Ctrl-D ends.');
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return lines(Buffer.concat(chunks).toString('utf8'));
}

async function fromFile(file: string, textColumn: string | undefined): Promise<string[]> {
  if (['.txt', ''].includes(extname(file).toLowerCase()) && textColumn === undefined) {
    try {
      return lines(await readFile(file, 'utf8'));
    } catch (error) {
      throw asReadError(error, file);
    }
  }
  const table = await readTable({ file });
  const guess = guessColumns(table, textColumn === undefined ? {} : { text: textColumn });
  const column = guess.columns.text === undefined ? -1 : table.columns.indexOf(guess.columns.text);
  if (column === -1) {
    throw new LuthierError(
      'data-invalid',
      `${file}: none of the columns ${table.columns.join(', ')} looks like text.`,
      'Name one with --text-column.',
    );
  }
  if (textColumn === undefined) note(dim(`The text is taken from column ${guess.columns.text}.`));
  return table.rows.map((row) => row.values[column] ?? '');
}

/** Lines as they are, empty ones too, so that answers and lines can be matched; a last newline ends the last line. */
function lines(text: string): string[] {
  const all = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  if (all.at(-1) === '') all.pop();
  return all;
}
