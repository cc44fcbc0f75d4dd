import { html, type nothing, svg, type TemplateResult } from 'lit';
import { largest } from '../../protocol/arrays.ts';
import type { LanguageReport, LanguageRow } from '../../protocol/evaluation.ts';
import { capitalized } from '../../protocol/figures.ts';
import { taskOf } from '../../protocol/tasks.ts';
import { bytes, count, plural, significant } from '../shared/format.ts';
import { lineCell } from './cells.ts';
import type { Page } from './page.ts';
import type { NamedReport } from './reports.ts';
import type { RunView } from './store.ts';

type Shown = NamedReport & { report: LanguageReport };

/** Rows whose tokens are shown; all are in evaluation.json. */
const SHOWN = 20;

/** Text that is foretold token by token: how the rows' losses lie, and where in the worst rows the model was surprised. */
export const languageView = (
  run: RunView,
  { report }: Shown,
  page: Page,
): { beside: TemplateResult; below: TemplateResult } => ({
  beside: html`
    <section class="area-matrix" aria-labelledby="spread-title">
      <h2 id="spread-title">${rowsOf(report)} by loss</h2>
      ${spread(report)}
      <p class="empty">${plural(report.counts.tokens, 'token')}${
        report.task === 'conversational'
          ? ' of the assistant’s answers, the tokens that end them'
          : `, ${bytes(report.counts.bytes)} of text, the tokens that end texts`
      } included.</p>
    </section>`,
  below: html`
    <section aria-labelledby="worst-title">
      <h2 id="worst-title">${rowsOf(report)} with the highest loss</h2>
      ${worst(run, report.worst.slice(0, SHOWN), page)}
    </section>`,
});

const HEIGHT = 96;
const BAR = 10;
const GAP = 2;

/** “Texts” or “Conversations”. */
const rowsOf = ({ task }: LanguageReport): string => `${capitalized(taskOf(task).row)}s`;

const spread = ({ spread: { from, step, rows }, n, task }: LanguageReport): TemplateResult => {
  const most = largest(rows, undefined, 1);
  const end = from + step * rows.length;
  const { row } = taskOf(task);
  const words = `${plural(n, row)} with mean losses from ${significant(from)} to ${significant(rows.length === 1 ? from : end)}`;
  return html`
    <svg class="bars" viewBox="0 0 ${rows.length * (BAR + GAP)} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${words}>
      ${rows.map((of, i) => {
        const height = of === 0 ? 0 : Math.max(2, (of / most) * HEIGHT);
        return svg`<rect x=${i * (BAR + GAP)} y=${HEIGHT - height} width=${BAR} height=${height}><title>${`${significant(from + i * step)} – ${significant(from + (i + 1) * step)}: ${plural(of, row)}`}</title></rect>`;
      })}
    </svg>
    <div class="axis muted" aria-hidden="true"><span>${significant(from)}</span><span>Mean loss of a ${row}’s tokens</span><span>${significant(rows.length === 1 ? from : end)}</span></div>`;
};

/** Losses from which on a token is tinted: one in 3, 20, 150, 1,100 was given to it. */
const HEAT = [1, 3, 5, 7];

const worst = (run: RunView, rows: readonly LanguageRow[], page: Page): TemplateResult =>
  rows.length === 0
    ? html`<p class="empty">No rows were kept.</p>`
    : html`<div class="scroll-x"><table class="data rows">
      <thead><tr><th scope="col" class="number">Line</th><th scope="col">Text</th><th scope="col" class="number">Tokens</th><th scope="col" class="number">Loss</th></tr></thead>
      <tbody>${rows.map(
        (row) => html`<tr>
          ${lineCell(run, row, page)}
          <td class="text"><div class="read">${row.pieces.map(({ text, loss }) => piece(text, loss))}</div></td>
          <td class="number">${count(row.tokens)}</td>
          <td class="number">${significant(row.loss)}</td>
        </tr>`,
      )}</tbody>
    </table></div>
    <p class="empty">The stronger a token’s color, the less the model expected it; hover over it for its loss. What is not measured is grey.</p>`;

const piece = (text: string, loss: number | null): TemplateResult | typeof nothing => {
  if (loss === null) return html`<span class="muted">${text}</span>`;
  const heat = HEAT.filter((from) => loss >= from).length;
  return html`<span class=${`heat heat-${heat}`} title="Loss ${significant(loss)}">${text}</span>`;
};
