import { type ClassificationReport, formatPercent, largest, type Prediction } from '../../../protocol/index.ts';
import { LABELLED } from '../../data/labelled.ts';
import type { Example } from '../../data/types.ts';
import { formatReport } from '../../evaluate/format.ts';
import { pooledReport } from '../../evaluate/pool.ts';
import { classificationReport } from '../../evaluate/report.ts';
import type { TextInput, Tokenizer } from '../../text/tokenizer.ts';
import { classDifferences } from '../differences.ts';
import { tellingLong } from '../long-rows.ts';
import { classLoss } from '../loss.ts';
import type { EncodedRows, LabelledItem, Task } from '../task.ts';
import { predictionsFrom } from './predictions.ts';

/** Texts or pairs of texts as items. @param labels of a row, as the loss takes them */
export const encodeWith =
  <Row extends Exclude<TextInput, string>>(labels: (row: Row) => LabelledItem['labels']) =>
  (rows: readonly Row[], tokenizer: Tokenizer, maxLength: number): EncodedRows<LabelledItem> => {
    const { encodings, truncatedRows, unknownShare } = tokenizer.encodeAll(rows, maxLength);
    const items = encodings.map(({ ids, typeIds }, i) => ({ ids, typeIds, labels: labels(rows[i]!) }));
    return { items, truncatedRows, unknownShare };
  };

/** Of `100.0 %`: answers stand below each other. */
const SCORE_WIDTH = 7;

/** One class for each text or pair of texts. */
export const textClassification: Task<Example, LabelledItem, Prediction, ClassificationReport> = {
  ...LABELLED,
  reads: 'first',
  measures: 'logits',
  inputs: ({ text, text_pair }) => [text, text_pair].filter((name) => name !== undefined),
  encode: encodeWith(({ label }) => Int32Array.of(label)),
  loss: classLoss,
  tellLong: tellingLong('text', ' and will be cut.'),
  prepare: (texts, tokenizer, maxLength) => tokenizer.encodeAll(texts, maxLength).encodings,
  decode: predictionsFrom,
  show: ({ text, text_pair, label, score }, labels) => ({
    said: `${label.padEnd(largest(labels, (name) => name.length, 0))}  ${formatPercent(score).padStart(SCORE_WIDTH)}`,
    of: text_pair === undefined ? text : `${text} / ${text_pair}`,
  }),
  compare: (items, a, b, { labels }) => classDifferences(items, a, b, labels),
  evaluate: ({ rows, items, trainRows, settings: _, tuned: __, ...options }) =>
    classificationReport({
      ...options,
      examples: rows,
      targets: Int32Array.from(items, ({ labels }) => labels[0]!),
      ...(trainRows && { trainCounts: countLabels(trainRows, options.labels.length) }),
    }),
  pool: pooledReport,
  format: formatReport,
  save: {
    config: { problem_type: 'single_label_classification' },
    peft: 'SEQ_CLS',
    pipeline: 'text-classification',
    noun: 'text classifier',
    does: (labels) => `chooses one of ${labels} classes`,
    autoModel: 'SequenceClassification',
  },
};

function countLabels(rows: readonly Example[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const { label } of rows) counts[label]!++;
  return counts;
}
