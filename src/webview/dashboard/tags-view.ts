import { html, nothing, type TemplateResult } from 'lit';
import { csv } from '../../protocol/csv.ts';
import type { TaggedRow, TagReport, TagSpan } from '../../protocol/evaluation.ts';
import { count, percent, plural, significant } from '../shared/format.ts';
import { copyButton, lineCell } from './cells.ts';
import type { Page } from './page.ts';
import type { NamedReport } from './reports.ts';
import type { RunView } from './store.ts';

type Shown = NamedReport & { report: TagReport };

const SCORES = ['precision', 'recall', 'f1'] as const;

/** A tag for each word: scores by type of spans, what was taken for what, and the sentences with errors. */
export const tagsView = (
  run: RunView,
  { report }: Shown,
  page: Page,
): { beside: TemplateResult; below: TemplateResult } => ({
  beside: html`
    <section class="area-matrix" aria-labelledby="mistakes-title">
      <h2 id="mistakes-title">Mistakes</h2>
      ${mistakesTable(report)}
    </section>
    <section class="area-classes" aria-labelledby="types-title">
      <div class="section-head">
        <h2 id="types-title">Types</h2>
        ${copyButton('types', () => typesCsv(report), page)}
      </div>
      ${typesTable(report)}
    </section>`,
  below: html`
    <section aria-labelledby="errors-title">
      <h2 id="errors-title">Sentences with errors</h2>
      ${report.errors.length === 0 ? html`<p class="empty">No sentence has an error.</p>` : errorsTable(run, report.errors, page)}
    </section>`,
});

const typesCsv = (report: TagReport): string =>
  csv(
    ['type', ...SCORES, 'support'],
    report.per_class.map((of) => [of.label, ...SCORES.map((key) => of[key]), of.support]),
  );

const typesTable = (report: TagReport): TemplateResult => html`
  <div class="scroll-both"><table class="data classes">
    <thead><tr><th scope="col">Type</th><th scope="col" class="number">Precision</th><th scope="col" class="number">Recall</th><th scope="col" class="number">F1</th><th scope="col" class="number">Spans</th></tr></thead>
    <tbody>${report.per_class.map(
      (of) =>
        html`<tr><th scope="row" title=${of.label}>${of.label}</th>${SCORES.map(
          (key) => html`<td class="number">${percent(of[key])}</td>`,
        )}<td class="number">${count(of.support)}</td></tr>`,
    )}</tbody>
  </table></div>`;

const mistakesTable = ({ mistakes }: TagReport): TemplateResult =>
  mistakes.length === 0
    ? html`<p class="empty">Every span is right.</p>`
    : html`<div class="scroll-both"><table class="data">
        <thead><tr><th scope="col">Actual</th><th scope="col">Predicted</th><th scope="col" class="number">Spans</th></tr></thead>
        <tbody>${mistakes.map(
          ({ actual, predicted, n }) => html`<tr><td>${actual ?? html`<span class="muted">nothing</span>`}</td>
            <td>${
              predicted === null
                ? html`<span class="muted">nothing</span>`
                : html`${predicted}${actual === predicted ? html` <span class="muted">with other words</span>` : nothing}`
            }</td>
            <td class="number">${count(n)}</td></tr>`,
        )}</tbody>
      </table></div>`;

const errorsTable = (run: RunView, rows: readonly TaggedRow[], page: Page): TemplateResult => html`
  <div class="scroll-x"><table class="data rows">
    <thead><tr><th scope="col" class="number">Line</th><th scope="col">Sentence</th><th scope="col" class="number">Loss</th></tr></thead>
    <tbody>${rows.map(
      (row) => html`<tr>
        ${lineCell(run, row, page)}
        <td class="text"><div class="tagged">
          <span class="muted">Actual</span><span>${marked(row.text, row.gold, row.predicted)}</span>
          <span class="muted">Predicted</span><span>${marked(row.text, row.predicted, row.gold)}</span></div></td>
        <td class="number">${significant(row.loss)}</td>
      </tr>`,
    )}</tbody>
  </table></div>
  <p class="empty">${plural(rows.length, 'sentence')}, those with the highest loss first.</p>`;

/** A text with its spans marked, each with its type; those that the others lack stand out. */
const marked = (text: string, spans: readonly TagSpan[], others: readonly TagSpan[]): TemplateResult => {
  const parts: unknown[] = [];
  let at = 0;
  for (const { type, start, end } of spans) {
    const isShared = others.some((other) => other.type === type && other.start === start && other.end === end);
    parts.push(
      text.slice(at, start),
      html`<mark class="span ${isShared ? '' : 'wrong'}">${text.slice(start, end)}<span class="span-type"> ${type}</span></mark>`,
    );
    at = end;
  }
  return html`${parts}${text.slice(at)}`;
};
