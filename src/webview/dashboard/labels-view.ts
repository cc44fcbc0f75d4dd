import { html, nothing, type TemplateResult } from 'lit';
import { csv } from '../../protocol/csv.ts';
import { classScore, type LabelsReport, type LabelsRow } from '../../protocol/evaluation.ts';
import { count, interval, percent, plural, significant } from '../shared/format.ts';
import { copyButton, lineCell } from './cells.ts';
import type { Page } from './page.ts';
import type { NamedReport } from './reports.ts';
import type { RunView } from './store.ts';
import { textsOf } from './texts.ts';

type Shown = NamedReport & { report: LabelsReport };

const SCORES = ['precision', 'recall', 'f1'] as const;

/** Any number of labels a text: from which probability they are predicted, each label's scores, the rows with errors. */
export const labelsView = (
  run: RunView,
  { report }: Shown,
  page: Page,
): { beside: TemplateResult; below: TemplateResult } => ({
  beside: html`
    <section class="area-matrix" aria-labelledby="labels-title">
      <div class="section-head">
        <h2 id="labels-title">Labels</h2>
        ${copyButton('labels', () => labelsCsv(report), page)}
      </div>
      ${labelsTable(report)}
      <p class="empty">${threshold(report)} Accuracy counts rows whose labels are all right.</p>
    </section>`,
  below: html`
    <section aria-labelledby="errors-title">
      <h2 id="errors-title">Rows with errors</h2>
      ${report.worst.length === 0 ? html`<p class="empty">No row has an error.</p>` : rowsTable(run, report.worst, page)}
    </section>`,
});

const threshold = ({ threshold, tuned, folds }: LabelsReport): string => {
  const from = folds === undefined ? percent(threshold) : `${percent(threshold)} on average over the folds`;
  return `A label is predicted if its probability is at least ${from}${tuned ? ', chosen on these rows for the highest micro F1' : ''}.`;
};

const labelsCsv = (report: LabelsReport): string =>
  csv(
    ['label', ...SCORES, 'f1_low', 'f1_high', 'support'],
    report.per_class.map((of) => [
      of.label,
      ...SCORES.map((key) => classScore(of, key)),
      of.f1_interval?.low ?? null,
      of.f1_interval?.high ?? null,
      of.support,
    ]),
  );

const labelsTable = (report: LabelsReport): TemplateResult => html`
  <div class="scroll-both"><table class="data classes">
    <thead><tr><th scope="col">Label</th><th scope="col" class="number">Precision</th><th scope="col" class="number">Recall</th><th scope="col" class="number">F1</th><th scope="col" class="number">${percent(0.95, 0)} interval</th><th scope="col" class="number">Rows</th></tr></thead>
    <tbody>${report.per_class.map(
      (of) =>
        html`<tr><th scope="row" title=${of.label}>${of.label}</th>${SCORES.map((key) => {
          const score = classScore(of, key);
          return html`<td class="number" title=${score === null ? 'No row with this label was measured' : nothing}>${percent(score)}</td>`;
        })}<td class="number">${
          of.f1_interval ? interval('f1', of.f1_interval) : '–'
        }</td><td class="number">${count(of.support)}</td></tr>`,
    )}</tbody>
  </table></div>`;

const rowsTable = (run: RunView, rows: readonly LabelsRow[], page: Page): TemplateResult => html`
  <div class="scroll-x"><table class="data rows">
    <thead><tr><th scope="col" class="number">Line</th><th scope="col">Text</th><th scope="col">Missed</th><th scope="col">Wrongly predicted</th><th scope="col" class="number">Loss</th></tr></thead>
    <tbody>${rows.map((row) => {
      const missed = row.labels.filter((label) => !row.predicted.includes(label));
      const extra = row.predicted.filter((label) => !row.labels.includes(label));
      const right = row.predicted.filter((label) => row.labels.includes(label));
      return html`<tr>
        ${lineCell(run, row, page)}
        <td class="text">${textsOf(row)}${right.length > 0 ? html`<span class="second">right: ${right.join(', ')}</span>` : nothing}</td>
        <td>${missed.join(', ')}</td>
        <td class="mistaken">${extra.join(', ')}</td>
        <td class="number">${significant(row.loss)}</td>
      </tr>`;
    })}</tbody>
  </table></div>
  <p class="empty">${plural(rows.length, 'row')}, those with the highest loss first.</p>`;
