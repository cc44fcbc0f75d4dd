import { resolve } from 'node:path';
import {
  type BackendChoice,
  capitalized,
  columnFields,
  counted,
  formatCount,
  LuthierError,
  type Prediction,
  splitPair,
  type TaskName,
  type UnknownTokens,
  unknownTokens,
} from '../../protocol/index.ts';
import { guessColumns } from '../data/columns.ts';
import { columnsOfInputs, halfAPair } from '../data/labelled.ts';
import { places } from '../data/problems.ts';
import { readTable } from '../data/read.ts';
import { isEmpty, type Table } from '../data/table.ts';
import { createPredictor, type Predictor } from '../infer/predictor.ts';
import { findModel } from '../runs/target.ts';
import type { TextInput } from '../text/tokenizer.ts';
import { columnsFrom, say } from './evaluate.ts';
import { dim, EXIT, note, print, printJson } from './output.ts';
import { ProgressLine } from './progress-line.ts';
import { isPlainText, linesEntered, linesOf, refuseBoth } from './text-input.ts';

export interface PredictCommandOptions {
  text: string[];
  textPair: string[];
  file?: string;
  textColumn?: string;
  textPairColumn?: string;
  encoding?: string;
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
  const texts = await readTexts(options, () => loading);
  const predictor = await loading;
  const progress = new ProgressLine('Predicting');
  const predictions = await predictor
    .predict(texts, (done) => progress.update(done, texts.length))
    .finally(() => progress.close());
  for (const prediction of predictions) {
    if (options.json) printJson(prediction);
    else {
      const { said, of } = predictor.task.show(prediction, predictor.labels);
      print(`${said}  ${dim(oneLine(of))}`);
    }
  }
  noteUnknown(predictions);
  predictor.dispose();
  return EXIT.done;
}

/** An answer to words that the model cannot read says little. */
function noteUnknown(predictions: readonly Prediction[]): void {
  const unknown = predictions.flatMap(({ unknown_tokens }) => unknown_tokens ?? []);
  if (unknown.length === 0) return;
  const sum = (key: keyof UnknownTokens) => unknown.reduce((n, tokens) => n + tokens[key], 0);
  const where =
    predictions.length === 1 ? '' : ` in ${formatCount(unknown.length)} of ${counted(predictions.length, 'text')}:`;
  note(dim(capitalized(`${where} ${unknownTokens({ count: sum('count'), of: sum('of') })}.`.trim())));
}

const oneLine = (text: string) => text.replace(/\s+/g, ' ').trim();

/** What is asked, once it is loaded; its inputs are the columns that it was trained on. */
type Model = () => Promise<Predictor>;

async function readTexts(options: PredictCommandOptions, model: Model): Promise<TextInput[]> {
  const { text, textPair, file } = options;
  refuseBoth({ text, file });
  if (textPair.length > 0 && textPair.length !== text.length) {
    throw new LuthierError(
      'usage',
      `There are ${text.length} --text and ${textPair.length} --text-pair.`,
      'Pass one --text-pair for each --text.',
    );
  }
  if (textPair.length > 0) return text.map((first, i) => ({ text: first, text_pair: textPair[i]! }));
  if (text.length > 0) return text;
  if (file !== undefined) return fromFile(resolve(file), options, model);
  return fromLines(await linesEntered('text', options.encoding), model);
}

async function fromFile(file: string, options: PredictCommandOptions, model: Model): Promise<TextInput[]> {
  const { textColumn, textPairColumn, encoding } = options;
  if (isPlainText(file) && textColumn === undefined && textPairColumn === undefined) {
    return fromLines(await linesOf(file, encoding), model);
  }
  const table = await readTable({ file }, { encoding });
  for (const { severity, message } of table.problems) if (severity !== 'info') say('warning', message);
  const { inputs: known, task } = await model();
  const sentences = sentencesIn(table, options, task.name);
  if (sentences) return sentences;
  const given = columnsFrom(options);
  const named = known === undefined ? {} : columnsOfInputs(known, table, given);
  const { columns } = guessColumns(table, { ...given, ...named }, undefined, { pairs: known?.length !== 1 });
  const column = columns.text === undefined ? -1 : table.columns.indexOf(columns.text);
  if (column === -1) {
    throw new LuthierError(
      'data-invalid',
      `${file}: none of the columns ${table.columns.join(', ')} looks like text.`,
      'Pass --text-column to name one.',
    );
  }
  if (known?.length === 2 && columns.text_pair === undefined) throw halfAPair(table, known);
  const pair = columns.text_pair === undefined ? -1 : table.columns.indexOf(columns.text_pair);
  if (textColumn === undefined) {
    const from =
      pair < 0
        ? `Reading texts from column ${columns.text}.`
        : `Reading pairs of texts from columns ${columns.text} and ${columns.text_pair}.`;
    note(dim(from));
  }
  if (pair >= 0) noteHalves(table, [column, pair]);
  return table.rows.map((row) => {
    const text = row.value(column) ?? '';
    return pair < 0 ? text : { text, text_pair: row.value(pair) ?? '' };
  });
}

/** Sentences of words, for a model that tags them: CoNLL's, or lists of JSON. */
function sentencesIn(table: Table, options: PredictCommandOptions, task: TaskName): string[] | undefined {
  const fields = columnFields(task);
  if (options.textColumn !== undefined || !fields.some(({ name }) => name === 'tokens')) return undefined;
  const { tokens } = guessColumns(table, {}, undefined, { fields }).columns;
  if (tokens === undefined) return undefined;
  note(dim(`Reading words from ${table.format === 'conll' ? 'the first column' : `column ${tokens}`}.`));
  const column = table.columns.indexOf(tokens);
  return table.rows.map((row) => {
    const words = row.json(column);
    return Array.isArray(words) ? words.join(' ') : '';
  });
}

/** Each row has its answer, in order; that of half a pair says little. */
function noteHalves(table: Table, indices: readonly number[]): void {
  const halves = table.rows.filter((row) => indices.some((i) => isEmpty(row.value(i)))).map(({ line }) => line);
  if (halves.length === 0) return;
  const which = halves.length === 1 ? '1 row lacks' : `${halves.length} rows lack`;
  say('warning', `${which} one of the two texts (${places(halves)}); the prediction there is for half a pair.`);
}

/** Lines for a model of pairs hold two texts each. */
async function fromLines(texts: readonly string[], model: Model): Promise<TextInput[]> {
  if ((await model()).inputs?.length !== 2) return [...texts];
  return texts.map((line) => {
    const { text, text_pair } = splitPair(line);
    return text_pair === undefined ? text : { text, text_pair };
  });
}
