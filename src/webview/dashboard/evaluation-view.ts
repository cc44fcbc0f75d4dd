import { html, nothing, type TemplateResult } from 'lit';
import type { ClassificationReport, EvaluatedRow } from '../../protocol/evaluation.ts';
import { count, interval, METRIC_NAMES, metric, percent, plural, significant } from '../shared/format.ts';
import type { CellDetail } from './confusion.ts';
import { csv } from './csv.ts';
import { confusedPairs } from './matrix.ts';
import type { Page } from './page.ts';
import type { RunView } from './store.ts';

const SPLIT_NAMES: Readonly<Record<string, string>> = {
  train: 'Training rows',
  validation: 'Validation',
  test: 'Test',
};
const WORST = 50;

/** The report that is shown: the chosen part's, else validation's, else the first. */
export const shownReport = (run: RunView, split: string | null): ClassificationReport | undefined =>
  run.reports.find((r) => r.split === split) ?? run.reports.find((r) => r.split === 'validation') ?? run.reports[0];

export const evaluationView = (run: RunView, page: Page): TemplateResult => {
  const report = shownReport(run, page.view.split);
  if (!report)
    return html`<section><p class="empty">${
      run.evals.length > 0
        ? 'Classes, the confusion matrix and the worst rows appear when the run has written its evaluation.'
        : 'Appears after the first evaluation.'
    }</p></section>`;
  return html`
    <div class="section-head">
      <h2>${SPLIT_NAMES[report.split]}, ${plural(report.n, 'row')}</h2>
      ${
        run.reports.length > 1
          ? html`<label class="inline">Rows <vscode-single-select
              @change=${(event: Event) => page.change({ split: (event.target as HTMLSelectElement).value, cell: null })}>
              ${run.reports.map((r) => html`<vscode-option value=${r.split} ?selected=${r === report}>${SPLIT_NAMES[r.split]}</vscode-option>`)}
            </vscode-single-select></label>`
          : nothing
      }
    </div>
    <div class="columns">
      <section class="area-metrics">${metricsTable(report)}</section>
      <section class="area-matrix" aria-labelledby="matrix-title">
        <div class="section-head">
          <h2 id="matrix-title">Confusion matrix</h2>
          ${
            report.labels.length > 20
              ? html`<label class="inline">Show <vscode-single-select
                  @change=${(event: Event) => page.change({ matrixSize: Number((event.target as HTMLSelectElement).value) })}>
                  ${[20, 40, 0].map((n) => html`<vscode-option value=${n} ?selected=${page.view.matrixSize === n}>${n === 0 ? 'all classes' : `${n} most confused`}</vscode-option>`)}
                </vscode-single-select></label>`
              : nothing
          }
        </div>
        <luthier-confusion .report=${report} .size=${page.view.matrixSize} .open=${page.view.cell}
          @luthier-cell=${(event: CustomEvent<CellDetail>) => openCell(run, report, event.detail, page)}></luthier-confusion>
        ${cellRows(run, report, page)}
      </section>
      <section class="area-classes" aria-labelledby="classes-title">
        <div class="section-head">
          <h2 id="classes-title">Classes</h2>
          <button class="tool" title="Copy as CSV" aria-label="Copy classes as CSV" @click=${() => page.copy(classesCsv(report), 'Classes')}>
            <span class="codicon codicon-copy" aria-hidden="true"></span></button>
        </div>
        ${classTable(report)}
        ${report.labels.length > 20 ? pairsTable(run, report, page) : nothing}
      </section>
    </div>
    <section aria-labelledby="worst-title">
      <h2 id="worst-title">Rows with the highest loss</h2>
      ${
        report.worst.length === 0
          ? html`<p class="empty">Not one row was kept.</p>`
          : rowsTable(run, report.worst.slice(0, WORST), page)
      }
    </section>`;
};

const openCell = (run: RunView, report: ClassificationReport, detail: CellDetail, page: Page): void => {
  const { split } = report;
  page.store.cell = { run: run.id, split, ...detail, rows: null, total: 0 };
  page.post({ type: 'cell', run: run.id, split, ...detail });
  page.change({ cell: detail });
};

const metricsTable = (report: ClassificationReport): TemplateResult => html`
  <div class="scroll-x"><table class="data metrics" aria-label="Metrics">
    <thead><tr><th scope="col">Metric</th><th scope="col" class="number">Value</th><th scope="col" class="number">95 % interval</th><th scope="col" class="number">Always “${report.majority.label}”</th></tr></thead>
    <tbody>${Object.entries(METRIC_NAMES)
      .filter(([key]) => key in report.metrics)
      .map(([key, name]) => {
        const k = key as keyof typeof report.metrics;
        const range = report.intervals[k];
        const majority = key === 'accuracy' || key === 'f1_macro' ? metric(key, report.majority[key]) : '';
        return html`<tr><th scope="row">${name}</th><td class="number">${metric(key, report.metrics[k])}</td>
          <td class="number">${range ? interval(key, range) : ''}</td><td class="number">${majority}</td></tr>`;
      })}</tbody>
  </table></div>`;

const classesCsv = (report: ClassificationReport): string =>
  csv(
    ['label', 'precision', 'recall', 'f1', 'support'],
    report.per_class.map((c) => [c.label, c.precision, c.recall, c.f1, c.support]),
  );

const classTable = (report: ClassificationReport): TemplateResult => html`
  <div class="scroll-both"><table class="data classes">
    <thead><tr><th scope="col">Class</th><th scope="col" class="number">Precision</th><th scope="col" class="number">Recall</th><th scope="col" class="number">F1</th><th scope="col" class="number">Rows</th></tr></thead>
    <tbody>${report.per_class.map(
      (
        c,
      ) => html`<tr><th scope="row" title=${c.label}>${c.label}</th><td class="number">${percent(c.precision)}</td><td class="number">${percent(c.recall)}</td>
        <td class="number">${percent(c.f1)}</td><td class="number">${count(c.support)}</td></tr>`,
    )}</tbody>
  </table></div>`;

const pairsTable = (run: RunView, report: ClassificationReport, page: Page): TemplateResult => html`
  <h2 class="next">Most confused</h2>
  <table class="data">
    <thead><tr><th scope="col">Actual</th><th scope="col">Predicted</th><th scope="col" class="number">Rows</th></tr></thead>
    <tbody>${confusedPairs(report, 10).map(
      ({ actual, predicted, n }) => html`<tr><td>${actual}</td><td>${predicted}</td>
        <td class="number"><button class="link" aria-label="Open ${plural(n, 'row')} of ${actual} predicted as ${predicted}" @click=${() => openCell(run, report, { actual, predicted }, page)}>${count(n)}</button></td></tr>`,
    )}</tbody>
  </table>`;

const cellRows = (run: RunView, report: ClassificationReport, page: Page): TemplateResult | typeof nothing => {
  const { cell } = page.store;
  if (!cell || cell.run !== run.id || cell.split !== report.split) return nothing;
  const close = () => {
    page.store.cell = null;
    page.change({ cell: null });
  };
  const title = `${cell.actual} predicted as ${cell.predicted}`;
  return html`<div class="cell-rows" role="region" aria-label=${title} @keydown=${(event: KeyboardEvent) => {
    if (event.key === 'Escape') close();
  }}>
    <div class="section-head"><h3>${title}</h3>
      <button class="tool" title="Close" aria-label="Close rows" @click=${close}><span class="codicon codicon-close" aria-hidden="true"></span></button></div>
    ${
      cell.rows === null
        ? html`<p class="empty" role="status">Reading rows…</p>`
        : cell.rows.length === 0
          ? html`<p class="empty">The run did not keep the rows of this cell.</p>`
          : html`${rowsTable(run, cell.rows, page)}
            ${cell.total > cell.rows.length ? html`<p class="empty">${count(cell.rows.length)} of ${count(cell.total)} rows.</p>` : nothing}`
    }
  </div>`;
};

const rowsTable = (run: RunView, rows: readonly EvaluatedRow[], page: Page): TemplateResult => html`
  <div class="scroll-x"><table class="data rows">
    <thead><tr><th scope="col" class="number">Line</th><th scope="col">Text</th><th scope="col" class="wide-only">Label</th><th scope="col" class="wide-only">Predicted</th><th scope="col" class="number">Loss</th></tr></thead>
    <tbody>${rows.map(
      (row) => html`<tr>
        <td class="number"><button class="link" title="Open ${row.file} at line ${row.line}" aria-label="Open ${row.file} at line ${row.line}"
          @click=${() => page.post({ type: 'openRow', run: run.id, file: row.file, line: row.line })}>${row.line}</button></td>
        <td class="text">${row.text}<span class="narrow-only muted">${row.label} → ${row.predicted} ${percent(row.score)}</span></td><td class="wide-only">${row.label}</td>
        <td class="wide-only ${row.label === row.predicted ? '' : 'mistaken'}">${row.predicted} <span class="score">${percent(row.score)}</span></td>
        <td class="number">${significant(row.loss)}</td>
      </tr>`,
    )}</tbody>
  </table></div>`;
