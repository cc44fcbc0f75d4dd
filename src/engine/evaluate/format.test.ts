import displayWidth from 'fast-string-width';
import { describe, expect, it } from 'vitest';
import type { ClassificationReport } from '../../protocol/index.ts';
import { formatReport } from './format.ts';
import { classificationReport } from './report.ts';

function reportOf(labels: string[], n: number, text: (i: number) => string): ClassificationReport {
  const targets = Int32Array.from({ length: n }, (_, i) => i % labels.length);
  const logits = Float32Array.from({ length: n * labels.length }, (_, i) => ((i * 7919) % 97) / 24 - (i % 3));
  return classificationReport({
    split: 'validation',
    labels,
    targets,
    logits,
    examples: Array.from(targets, (label, i) => ({ text: text(i), label, file: '/data/tickets.csv', line: i + 2 })),
    trainCounts: labels.map((_, k) => (k === 1 ? 9 : 5)),
    base: '/data',
  });
}

describe('formatReport', () => {
  it('of few test rows does not ask to hold out more', () => {
    const report = reportOf(['negative', 'positive'], 12, (i) => `Row ${i}`);
    const shown = formatReport({ ...report, split: 'test' }, 80);
    expect(shown).toContain('test: n = 12 rows, 2 classes\n12 rows: this says little. Measure more rows.\n\nmetric');
    expect(shown).not.toMatch(/held out|validation_split/);
  });

  it('shows metrics, classes, confusion matrix and worst rows', () => {
    const report = reportOf(['negative', 'positive'], 12, (i) => `Row ${i} was\nnot what we expected.`);
    expect(formatReport(report, 80)).toMatchInlineSnapshot(`
      "validation: n = 12 rows, 2 classes
      12 rows held out: this says little. Hold out a larger share, or cross-validate.
      (validation_split in the recipe; luthier train RECIPE --folds 5)

      metric              value   95 % interval  majority
      accuracy           41.7 %   15.2 – 72.3 %    50.0 %
      macro F1           41.3 %   13.1 – 71.7 %    33.3 %
      weighted F1        41.3 %   12.9 – 74.0 %    33.3 %
      MCC                -0.169  -0.721 – 0.443         0
      loss                 1.46    0.789 – 2.22
      calibration error  44.5 %   23.2 – 72.8 %

      majority: always answering “positive”

      class     precision  recall      f1  rows
      negative     40.0 %  33.3 %  36.4 %     6
      positive     42.9 %  50.0 %  46.2 %     6

      confusion matrix: true class by row, predicted class by column
                negative  positive
      negative         2         4
      positive         3         3

      rows with the highest loss
      tickets.csv:6  “negative”, predicted “positive” (99.0 %), loss 4.59
          Row 4 was not what we expected.
      tickets.csv:11  “positive”, predicted “negative” (92.1 %), loss 2.54
          Row 9 was not what we expected.
      tickets.csv:5  “positive”, predicted “negative” (92.1 %), loss 2.54
          Row 3 was not what we expected.
      tickets.csv:7  “positive”, predicted “negative” (92.1 %), loss 2.54
          Row 5 was not what we expected.
      tickets.csv:2  “negative”, predicted “positive” (83.0 %), loss 1.77
          Row 0 was not what we expected.
      tickets.csv:10  “negative”, predicted “positive” (83.0 %), loss 1.77
          Row 8 was not what we expected.
      tickets.csv:12  “negative”, predicted “positive” (63.2 %), loss 1.00
          Row 10 was not what we expected.
      tickets.csv:9  “positive”, predicted correctly (63.2 %), loss 0.459
          Row 7 was not what we expected.
      tickets.csv:13  “positive”, predicted correctly (83.0 %), loss 0.187
          Row 11 was not what we expected.
      tickets.csv:8  “negative”, predicted correctly (92.1 %), loss 0.0821
          Row 6 was not what we expected."
    `);
  });

  it.each([20, 40, 60, 80, 200])(
    'keeps within %i columns (40 at the least), wide characters counted as two',
    (width) => {
      const labels = ['退货', 'a very long name of a class that nobody could ever want to read', 'Ω', '👍', 'e'];
      const report = reportOf(labels, 40, (i) => '这个产品的质量非常好，我很满意。'.repeat(i));
      const lines = formatReport(report, width).split('\n');
      const table = lines.findIndex((line) => line.startsWith('rows with the highest loss'));
      for (const line of lines.slice(table)) expect(displayWidth(line)).toBeLessThanOrEqual(Math.max(width, 40));
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(Math.max(width, 80));
    },
  );

  it('lets no control character through to the terminal', () => {
    const report = reportOf(['a\u001b[31m', 'b\u0007\u202e'], 4, () => 'x\u001b]0;title\u0007\r\ny\u0000\u2028z');
    expect(formatReport(report, 80).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
  });

  it('leaves out the confusion matrix past 12 classes, and lists the worst 30 classes past 30', () => {
    const labels = Array.from({ length: 31 }, (_, k) => `intent_${k}`);
    const text = formatReport(
      reportOf(labels, 310, () => 'x'),
      80,
    );
    expect(text).not.toContain('confusion');
    expect(text).toContain('(the 30 classes with the lowest F1 of 31; all are in evaluation.json)');
    expect(
      formatReport(
        reportOf(labels.slice(0, 12), 60, () => 'x'),
        80,
      ),
    ).toContain('confusion matrix');
    expect(
      formatReport(
        reportOf(labels.slice(0, 13), 60, () => 'x'),
        80,
      ),
    ).not.toContain('confusion matrix');
  });

  it('is quick for a text of a megabyte', () => {
    const text = formatReport(
      reportOf(['a', 'b'], 2, () => 'long '.repeat(200_000)),
      60,
    );
    expect(text.length).toBeLessThan(2000);
    expect(text).toContain('…');
  });
});
