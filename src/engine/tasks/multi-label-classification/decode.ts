import { formatPercent, type LabelsPrediction } from '../../../protocol/index.ts';
import type { DecodeOptions } from '../task.ts';
import { notFinite } from '../text-classification/predictions.ts';
import { sigmoid, THRESHOLD } from './report.ts';

/** The labels that are at least as likely as the model's threshold. @throws LuthierError `model-invalid` */
export function labelsFrom({ texts, logits, labels, model, settings }: DecodeOptions): LabelsPrediction[] {
  const threshold = settings?.threshold ?? THRESHOLD;
  return texts.map((text, i) => {
    const scores = labels.map((_, k) => sigmoid(logits[i * labels.length + k]!));
    if (!scores.every(Number.isFinite)) throw notFinite(model, i, texts.length);
    return {
      ...(typeof text === 'string' ? { text } : text),
      labels: labels.filter((_, k) => scores[k]! >= threshold),
      scores: Object.fromEntries(labels.map((label, k) => [label, scores[k]!])),
    };
  });
}

/** An answer in a terminal. */
export const showLabels = ({ text, text_pair, labels, scores }: LabelsPrediction): { said: string; of: string } => ({
  said:
    labels.length === 0 ? 'no label' : labels.map((label) => `${label} ${formatPercent(scores[label]!)}`).join(', '),
  of: text_pair === undefined ? text : `${text} / ${text_pair}`,
});
