import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { metricsFrom } from './report.ts';
import { type Span, spansOf } from './spans.ts';

/** What test/parity/span_figures.py wrote. */
const cases = JSON.parse(
  readFileSync(new URL('../../../../test/parity/figures/spans.json', import.meta.url), 'utf8'),
) as {
  scheme: string;
  gold: string[][];
  predicted: string[][];
  seqeval: { spans: [type: string, start: number, end: number][][]; scores: number[] };
  conlleval?: number[];
}[];

const scores = (gold: string[][], predicted: string[][]): number[] => {
  const total = { words: 0, correct: 0, loss: 0, read: 0, right: 0, gold: 0, predicted: 0 };
  for (const [i, tags] of gold.entries()) {
    const [there, found] = [spansOf(tags), spansOf(predicted[i]!)];
    const keys = new Set(there.map((span) => JSON.stringify(span)));
    total.gold += there.length;
    total.predicted += found.length;
    total.right += found.filter((span) => keys.has(JSON.stringify(span))).length;
  }
  const { precision, recall, f1 } = metricsFrom(total);
  return [precision, recall, f1];
};

describe.each(cases)('spans of $scheme', ({ scheme, gold, predicted, seqeval, conlleval }) => {
  it('are those of seqeval’s default mode', () => {
    for (const [i, tags] of predicted.entries()) {
      // seqeval's ends are inclusive, and of a tag without a prefix it takes the first letter for one.
      const expected = seqeval.spans[i]!.map(([type, start, end]) => [type, start, end + 1]);
      const typeOf = ({ type }: Span) => (scheme === 'plain' ? type.slice(1) : type);
      expect(spansOf(tags).map((span) => [typeOf(span), span.start, span.end])).toEqual(expected);
    }
  });
  it('have its precision, recall and F1, and conlleval’s', () => {
    for (const figures of [seqeval.scores, conlleval ?? seqeval.scores]) {
      for (const [i, value] of scores(gold, predicted).entries()) expect(value).toBeCloseTo(figures[i]!, 12);
    }
  });
});
