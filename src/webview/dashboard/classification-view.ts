import { html, nothing, type TemplateResult } from 'lit';
import { csv } from '../../protocol/csv.ts';
import { type ClassificationReport, classScore, type EvaluatedRow } from '../../protocol/evaluation.ts';
import { count, percent, plural, significant } from '../shared/format.ts';
import { copyButton, lineCell } from './cells.ts';
import type { CellDetail } from './confusion.ts';
import { confusedPairs } from './matrix.ts';
import type { Page } from './page.ts';
import type { NamedReport } from './reports.ts';
import type { RunView } from './store.ts';
import { textsOf } from './texts.ts';

const WORST = 50;

type Shown = NamedReport & { report: ClassificationReport };

/** One class a text: the confusion matrix with the rows behind its cells, the classes, and the worst rows. */
export const classificationView = (
  run: RunView,
  shown: Shown,
  page: Page,
): { beside: TemplateResult; below: TemplateResult } => {
  const { report } = shown;
  const beside = html`
      <section class="area-matrix" aria-labelledby="matrix-title">
        <div class="section-head">
          <h2 id="matrix-title">Confusion matrix</h2>
          ${
            report.labels.length > 20
              ? html`<label class="inline">Show <vscode-single-select label="Classes shown"
                  @change=${(event: Event) => page.change({ matrixSize: Number((event.target as HTMLSelectElement).value) })}>
                  ${[20, 40, 0].map((n) => html`<vscode-option value=${n} ?selected=${page.view.matrixSize === n}>${n === 0 ? 'all classes' : `${n} most confused`}</vscode-option>`)}
                </vscode-single-select></label>`
              : nothing
          }
        </div>
        <luthier-confusion .report=${report} .size=${page.view.matrixSize} .open=${page.view.cell}
          @luthier-cell=${(event: CustomEvent<CellDetail>) => openCell(run, shown, event.detail, page)}></luthier-confusion>
        ${cellRows(run, shown, page)}
      </section>
      <section class="area-classes" aria-labelledby="classes-title">
        <div class="section-head">
          <h2 id="classes-title">Classes</h2>
          ${copyButton('classes', () => classesCsv(report), page)}
        </div>
        ${classTable(report)}
        ${report.labels.length > 20 ? pairsTable(run, shown, page) : nothing}
      </section>
`;
  const below = html`
    <section class="area-worst" tabindex="-1" aria-labelledby="worst-title">
      <h2 id="worst-title">Rows with the highest loss</h2>
      ${
        report.worst.length === 0
          ? html`<p class="empty">No rows were kept.</p>`
          : rowsTable(run, report.worst.slice(0, WORST), page)
      }
    </section>`;
  return { beside, below };
};

const openCell = (run: RunView, { report, evaluation }: Shown, detail: CellDetail, page: Page): void => {
  const of = { run: run.id, split: report.split, ...(evaluation ? { evaluation: evaluation.name } : {}), ...detail };
  page.store.cell = { ...of, rows: null, total: 0 };
  page.post({ type: 'cell', ...of });
  page.change({ cell: detail });
  page.reveal('.cell-rows');
};

const SCORES = ['precision', 'recall', 'f1'] as const;

const classesCsv = (report: ClassificationReport): string =>
  csv(
    ['label', ...SCORES, 'support'],
    report.per_class.map((c) => [c.label, ...SCORES.map((key) => classScore(c, key)), c.support]),
  );

const classTable = (report: ClassificationReport): TemplateResult => html`
  <div class="scroll-both"><table class="data classes">
    <thead><tr><th scope="col">Class</th><th scope="col" class="number">Precision</th><th scope="col" class="number">Recall</th><th scope="col" class="number">F1</th><th scope="col" class="number">Rows</th></tr></thead>
    <tbody>${report.per_class.map(
      (c) =>
        html`<tr><th scope="row" title=${c.label}>${c.label}</th>${SCORES.map((key) => {
          const score = classScore(c, key);
          return html`<td class="number" title=${score === null ? 'No row of this class was measured' : nothing}>${percent(score)}</td>`;
        })}<td class="number">${count(c.support)}</td></tr>`,
    )}</tbody>
  </table></div>`;

const pairsTable = (run: RunView, shown: Shown, page: Page): TemplateResult => html`
  <h2 class="next">Most confused</h2>
  <table class="data">
    <thead><tr><th scope="col">Actual</th><th scope="col">Predicted</th><th scope="col" class="number">Rows</th></tr></thead>
    <tbody>${confusedPairs(shown.report, 10).map(
      ({ actual, predicted, n }) => html`<tr><td>${actual}</td><td>${predicted}</td>
        <td class="number"><button class="link" aria-label="Open ${plural(n, 'row')} of ${actual} predicted as ${predicted}" @click=${() => openCell(run, shown, { actual, predicted }, page)}>${count(n)}</button></td></tr>`,
    )}</tbody>
  </table>`;

const cellRows = (run: RunView, { report, evaluation }: Shown, page: Page): TemplateResult | typeof nothing => {
  const { cell } = page.store;
  if (!cell || cell.run !== run.id || cell.split !== report.split || cell.evaluation !== evaluation?.name)
    return nothing;
  const close = () => {
    page.store.cell = null;
    page.change({ cell: null });
    // Back to where the rows were opened from.
    page.reveal('.matrix td[tabindex="0"]');
  };
  const title = `${cell.actual} predicted as ${cell.predicted}`;
  return html`<div class="cell-rows" role="region" tabindex="-1" aria-label=${title} @keydown=${(
    event: KeyboardEvent,
  ) => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    close();
  }}>
    <div class="section-head"><h3>${title}</h3>
      <button class="tool" title="Close (Escape)" aria-label="Close rows" @click=${close}><span class="codicon codicon-close" aria-hidden="true"></span></button></div>
    ${
      cell.rows === null
        ? html`<p class="empty" role="status">Reading rows…</p>`
        : html`${cell.rows.length > 0 ? rowsTable(run, cell.rows, page) : nothing}
          ${
            cell.total > cell.rows.length
              ? html`<p class="empty">${count(cell.rows.length)} of ${plural(cell.total, 'row')}: ${
                  evaluation
                    ? 'an evaluation on a file keeps only those with the highest loss.'
                    : report.folds === undefined
                      ? 'those with the highest loss.'
                      : 'a cross-validation keeps only those with the highest loss.'
                }</p>`
              : cell.rows.length === 0
                ? html`<p class="empty">The rows of this cell were not kept.</p>`
                : nothing
          }`
    }
  </div>`;
};

const rowsTable = (run: RunView, rows: readonly EvaluatedRow[], page: Page): TemplateResult => html`
  <div class="scroll-x"><table class="data rows">
    <thead><tr><th scope="col" class="number">Line</th><th scope="col">Text</th><th scope="col" class="wide-only">Label</th><th scope="col" class="wide-only">Predicted</th><th scope="col" class="number">Loss</th></tr></thead>
    <tbody>${rows.map(
      (row) => html`<tr>
        ${lineCell(run, row, page)}
        <td class="text">${textsOf(row)}<span class="narrow-only muted">${row.label} → ${row.predicted} ${percent(row.score)}</span></td><td class="wide-only">${row.label}</td>
        <td class="wide-only ${row.label === row.predicted ? '' : 'mistaken'}">${row.predicted} <span class="score">${percent(row.score)}</span></td>
        <td class="number">${significant(row.loss)}</td>
      </tr>`,
    )}</tbody>
  </table></div>`;
