import { formatPercent, type LabelsPrediction, type LabelsReport } from '../../../protocol/index.ts';
import { labelDifferences } from '../differences.ts';
import { labelsLoss } from '../loss.ts';
import { keptSettings } from '../settings.ts';
import type { LabelledItem, Task, TaskSettings } from '../task.ts';
import { encodeWith, textClassification } from '../text-classification/task.ts';
import { labelsFrom, showLabels } from './decode.ts';
import { formatLabels } from './format.ts';
import { bestThreshold, labelsReport, pooledLabels, THRESHOLD } from './report.ts';
import { type LabelsExample, labelSets } from './rows.ts';

/** Any number of labels for each text or pair of texts, none included. @param how its data are written */
const make = (how: TaskSettings): Task<LabelsExample, LabelledItem, LabelsPrediction, LabelsReport> => ({
  ...labelSets(how),
  bind: make,
  how: keptSettings(how),
  head: 'text-classification',
  reads: 'first',
  measures: 'logits',
  inputs: textClassification.inputs,
  encode: encodeWith(({ targets }) => targets),
  loss: labelsLoss,
  tellLong: textClassification.tellLong,
  prepare: textClassification.prepare,
  tune: (items, logits) => {
    const threshold = bestThreshold(items, logits);
    const why =
      items.length === 0
        ? 'there are no validation rows to choose it on'
        : 'this gives the highest micro F1 on the validation rows';
    return {
      settings: { threshold },
      note: `A label is predicted if its probability is at least ${formatPercent(threshold)}: ${why}.`,
    };
  },
  decode: labelsFrom,
  show: showLabels,
  compare: (items, a, b, { labels, settings: { threshold = THRESHOLD } }) =>
    labelDifferences(items, a, b, { labels, threshold }),
  evaluate: labelsReport,
  pool: pooledLabels,
  format: formatLabels,
  save: {
    ...textClassification.save,
    config: { problem_type: 'multi_label_classification' },
    noun: 'multi-label text classifier',
    does: (labels) => `chooses any number of ${labels} labels`,
  },
});

export const multiLabelClassification = make({});
