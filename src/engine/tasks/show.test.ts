import { expect, it } from 'vitest';
import { fillMask } from './fill-mask/answer.ts';
import { multiLabelClassification } from './multi-label-classification/task.ts';
import { regression } from './regression/task.ts';
import { textClassification } from './text-classification/task.ts';
import { tokenClassification } from './token-classification/task.ts';

// As pages write them (webview/shared/format.ts): 91.2 %, and values in three significant digits.
const text = 'It is late.';

it('probabilities of answers are percentages in a terminal, below each other', () => {
  const labels = ['refund', 'ok'];
  const said = (label: string, score: number) =>
    textClassification.show({ text, label, score, scores: { [label]: score } }, labels).said;
  expect([said('refund', 0.9123), said('ok', 1), said('ok', 0.0012)]).toEqual([
    'refund   91.2 %',
    'ok      100.0 %',
    'ok        0.1 %',
  ]);
});

it('so are those of labels, entities and tokens, and the threshold of labels', () => {
  const scores = { a: 0.5004, b: 0.9 };
  expect(multiLabelClassification.show({ text, labels: ['a', 'b'], scores }, ['a', 'b']).said).toBe(
    'a 50.0 %, b 90.0 %',
  );
  const items = [{ ids: Int32Array.of(1), labels: Float32Array.of(1, 0) }];
  expect(multiLabelClassification.tune!(items as never, Float32Array.of(2, -2)).note).toMatch(
    /^A label is predicted if its probability is at least \d+\.\d %: /,
  );
  const entity = { entity_group: 'LOC', score: 0.953, word: 'Oslo', start: 0, end: 4 };
  expect(tokenClassification.show({ text, entities: [entity] }, []).said).toBe('LOC “Oslo” 95.3 %');
  const fills = [
    { token_str: ' Paris', score: 0.4166, token: 3, sequence: 'Paris' },
    { token_str: ' Lyon', score: 0.0713, token: 4, sequence: 'Lyon' },
  ];
  expect(fillMask.show({ text, predictions: fills }, []).said).toBe('Paris 41.7 %, Lyon 7.1 %');
});

it('a value is written in three significant digits', () => {
  const said = (value: number) => regression.show({ text, value }, []).said.trim();
  expect([said(4.20071), said(1234.5), said(-0.5)]).toEqual(['4.20', '1,235', '-0.500']);
});
