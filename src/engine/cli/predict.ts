import { resolve } from 'node:path';
import {
  type BackendChoice,
  capitalized,
  counted,
  formatCount,
  isTaskName,
  LuthierError,
  type Prediction,
  type Texts,
  type UnknownTokens,
  unknownTokens,
} from '../../protocol/index.ts';
import { pairsOfLines, readFileTexts } from '../infer/file-texts.ts';
import { noteLong } from '../infer/predict-file.ts';
import { type Predictor, predictorOf, readsOf } from '../infer/predictor.ts';
import { type Computed, predictionsOf } from '../model-files/eight-bit.ts';
import { openModel } from '../model-files/open-model.ts';
import { throughTemplate } from '../prompts/row-template.ts';
import { findModel } from '../runs/target.ts';
import type { TextInput } from '../text/tokenizer.ts';
import { type ColumnOptions, columnsFrom, refuseOtherColumns } from './column-options.ts';
import { say } from './evaluate.ts';
import { dim, EXIT, note, print, printJson } from './output.ts';
import { ProgressLine } from './progress-line.ts';
import { linesEntered, refuseBoth, tellColumns } from './text-input.ts';

export interface PredictCommandOptions extends ColumnOptions {
  text: string[];
  textPair: string[];
  file?: string;
  encoding?: string;
  backend?: BackendChoice;
  /** Never in 8 bits. */
  float?: boolean;
  json?: boolean;
}

export async function predict(model: string, options: PredictCommandOptions): Promise<number> {
  const { path } = await findModel(model, process.cwd());
  const loading = openModel(path, options.backend ?? 'auto', (_, message) => note(message)).then(async (open) => {
    const { eightBit, said }: Computed = options.float ? {} : await predictionsOf(open);
    return {
      predictor: predictorOf(open, { eightBit, note: (_, message) => note(message) }),
      said: eightBit ? `${said} --float computes in float.` : said,
    };
  });
  loading.catch(() => undefined);
  const texts = await readTexts(options, async () => (await loading).predictor);
  const { predictor, said } = await loading;
  if (said !== undefined) note(dim(said));
  if (predictor.template) note(dim(throughTemplate(predictor.template)));
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
  noteLong(predictions, predictor.maxLength, say);
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

async function readTexts(options: PredictCommandOptions, model: Model): Promise<readonly TextInput[]> {
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
  return pairsOfLines(await linesEntered('text', options.encoding), await model());
}

async function fromFile(file: string, options: PredictCommandOptions, model: Model): Promise<Texts[]> {
  const columns = columnsFrom(options);
  const reads = model().then((predictor) => {
    const { name } = predictor.task;
    if (isTaskName(name)) refuseOtherColumns(columns, name, 'The model is for');
    return readsOf(predictor);
  });
  // It is awaited once the file has been read.
  reads.catch(() => undefined);
  const read = await readFileTexts(file, reads, {
    ...{ encoding: options.encoding, columns, note: say },
  });
  if (Object.keys(columns).length === 0) tellColumns(read);
  return read.texts;
}
