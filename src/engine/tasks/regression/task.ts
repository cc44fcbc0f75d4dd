import { LuthierError, type ValuePrediction, type ValueReport } from '../../../protocol/index.ts';
import { valueLoss } from '../loss.ts';
import type { DecodeOptions, LabelledItem, Task } from '../task.ts';
import { notFinite } from '../text-classification/predictions.ts';
import { encodeWith, textClassification } from '../text-classification/task.ts';
import { formatValues, valueText } from './format.ts';
import { pooledValues, valueReport } from './report.ts';
import { VALUES, type ValueExample } from './rows.ts';

/** A number for each text or pair of texts. */
export const regression: Task<ValueExample, LabelledItem, ValuePrediction, ValueReport> = {
  ...VALUES,
  head: 'text-classification',
  reads: 'first',
  measures: 'logits',
  inputs: textClassification.inputs,
  encode: encodeWith(({ value }) => Float32Array.of(value)),
  loss: valueLoss,
  tellLong: textClassification.tellLong,
  prepare: textClassification.prepare,
  decode: valuesFrom,
  show: ({ text, text_pair, value }) => ({
    said: valueText(value).padStart(8),
    of: text_pair === undefined ? text : `${text} / ${text_pair}`,
  }),
  evaluate: valueReport,
  pool: pooledValues,
  format: formatValues,
  save: {
    ...textClassification.save,
    config: { problem_type: 'regression' },
    noun: 'text regression model',
    does: () => 'gives a text a number',
  },
};

/** @throws LuthierError `model-invalid` */
function valuesFrom({ texts, logits, model, labels }: DecodeOptions): ValuePrediction[] {
  if (labels.length !== 1) {
    throw new LuthierError('model-unsupported', `${model} answers with ${labels.length} numbers; one is supported.`);
  }
  return texts.map((text, i) => {
    const value = logits[i]!;
    if (!Number.isFinite(value)) throw notFinite(model, i, texts.length);
    return { ...(typeof text === 'string' ? { text } : text), value };
  });
}
