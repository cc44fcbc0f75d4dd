import { formatPercent, largest, type TagPrediction } from '../../../protocol/index.ts';
import { codePointsBefore } from '../../text/code-points.ts';
import type { DecodeOptions } from '../task.ts';
import { notFinite, softmax } from '../text-classification/predictions.ts';
import type { TextItem } from './encode.ts';
import { spansOf } from './spans.ts';

interface Word {
  tag: string;
  score: number;
  start: number;
  end: number;
}

/**
 * Entities of each text, as transformers' pipeline gives them with aggregation_strategy "first": a word has the tag of
 * its first piece, words of one span are one entity, whose score is their mean; places are in code points, as Python's.
 * @throws LuthierError `model-invalid`
 */
export function entitiesOf({ texts, items, logits, labels, model }: DecodeOptions): TagPrediction[] {
  const words: Map<number, Word>[] = texts.map(() => new Map());
  let at = 0;
  for (const item of items as readonly TextItem[]) {
    const tokens = new Map([...item.words.entries()].map(([token, word]) => [word, token]));
    for (const { word, start, end } of item.places) {
      const from = at + tokens.get(word)! * labels.length;
      const probabilities = softmax(logits.subarray(from, from + labels.length));
      if (!Number.isFinite(probabilities[0]!)) throw notFinite(model, item.row, texts.length);
      const score = largest(probabilities);
      words[item.row]!.set(word, { tag: labels[probabilities.indexOf(score)]!, score, start, end });
    }
    at += item.ids.length * labels.length;
  }
  return texts.map((input, i) => {
    const text = typeof input === 'string' ? input : input.text;
    const found = [...words[i]!].sort(([a], [b]) => a - b).map(([, word]) => word);
    const points = codePointsBefore(text);
    const entities = spansOf(found.map(({ tag }) => tag)).map(({ type, start, end }) => {
      const own = found.slice(start, end);
      const [first, last] = [own[0]!.start, own.at(-1)!.end];
      return {
        entity_group: type,
        score: own.reduce((sum, { score }) => sum + score, 0) / own.length,
        word: text.slice(first, last),
        start: points[first]!,
        end: points[last]!,
      };
    });
    return { text, entities };
  });
}

/** An answer in a terminal. */
export const showEntities = ({ text, entities }: TagPrediction): { said: string; of: string } => ({
  said:
    entities.length === 0
      ? 'no entities'
      : entities.map(({ entity_group, word, score }) => `${entity_group} “${word}” ${formatPercent(score)}`).join(', '),
  of: text,
});
