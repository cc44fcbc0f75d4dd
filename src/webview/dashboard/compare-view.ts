import { html, nothing, type TemplateResult } from 'lit';
import { type ComparedRow, type EvaluationReport, fewRowsNote } from '../../protocol/evaluation.ts';
import { mcnemar } from '../../protocol/mcnemar.ts';
import type { MetricKey } from '../../protocol/metrics.ts';
import { taskNameOf, taskOf } from '../../protocol/tasks.ts';
import { capital, count, METRIC_NAMES, metric, percent, plural, significant } from '../shared/format.ts';
import { lineCell } from './cells.ts';
import { runSwatch } from './charts.ts';
import type { Page } from './page.ts';
import { intervalText } from './reports.ts';
import type { RunView } from './store.ts';
import { textsOf } from './texts.ts';

/** p below which two models are called different. */
const SIGNIFICANT = 0.05;

/** The validation report of a run, from which a comparison takes its figures. */
const reportOf = (run: RunView): EvaluationReport | undefined => run.reports.find((r) => r.split === 'validation');

/** Metrics of the compared runs side by side, and the focused run's answers beside each other's, row by row. */
export const compareView = (runs: readonly RunView[], focused: RunView, page: Page): TemplateResult => html`
  <section aria-labelledby="compared-title">
    <h2 id="compared-title">Validation metrics compared</h2>
    ${metricsTable(runs)}
  </section>
  <section aria-labelledby="rows-title">
    <h2 id="rows-title">Row by row</h2>
    ${runs.filter((run) => run !== focused).map((other) => pair(focused, other, page))}
  </section>`;

const metricsTable = (runs: readonly RunView[]): TemplateResult => {
  const keys = Object.keys(METRIC_NAMES).filter((key) => runs.some((run) => metricOf(run, key) !== undefined));
  if (keys.length === 0) return html`<p class="empty">Appears after the first evaluation.</p>`;
  return html`<div class="scroll-x"><table class="data compared">
    <thead><tr><th scope="col">Metric</th>${runs.map((run, i) => runHead(run, i, 'number'))}</tr></thead>
    <tbody>
      <tr><th scope="row">${capital(`${nounOf(runs)}s`)}</th>${runs.map((run) => {
        const n = rowsOf(run);
        return html`<td class="number">${n === undefined ? '–' : count(n)}${
          n === undefined || fewRowsNote(n, nounOf(runs)) === null
            ? nothing
            : html`<span class="interval few-rows">${fewRowsNote(n, nounOf(runs))}</span>`
        }</td>`;
      })}</tr>
      ${keys.map(
        (key) =>
          html`<tr><th scope="row">${METRIC_NAMES[key]}</th>${runs.map((run) => {
            const report = reportOf(run);
            const range = report && intervalText(report, key as MetricKey);
            return html`<td class="number">${metric(key, metricOf(run, key))}${
              range ? html`<span class="interval">${range}</span>` : nothing
            }</td>`;
          })}</tr>`,
      )}
    </tbody>
  </table></div>
  <p class="empty">Below each figure is its ${percent(0.95, 0)} interval.</p>`;
};

/** What a row is called that all of them are measured on. */
const nounOf = (runs: readonly RunView[]): string => {
  const nouns = new Set(runs.map(({ record }) => taskOf(taskNameOf(record.recipe)).row));
  return nouns.size === 1 ? [...nouns][0]! : 'row';
};

export const runHead = (run: RunView, index: number, className = ''): TemplateResult =>
  html`<th scope="col" class=${className} title=${run.record.name}><span class="run-head">${runSwatch(index)}${run.record.name}</span></th>`;

const metricOf = (run: RunView, key: string): number | undefined =>
  ((reportOf(run)?.metrics ?? run.record.best?.metrics) as Readonly<Record<string, number>> | undefined)?.[key];

const rowsOf = (run: RunView): number | undefined =>
  reportOf(run)?.n ?? run.evals.findLast(({ split }) => split === 'validation')?.n;

/** One run beside the focused one: whether they were measured on the same rows, and if so what tells them apart. */
const pair = (first: RunView, second: RunView, page: Page): TemplateResult => {
  const known = page.store.comparison(first.id, second.id);
  const [a, b] = [first.record.name, second.record.name];
  const said = (words: unknown): TemplateResult => html`<h3>${a} and ${b}</h3><p class="pair">${words}</p>`;
  if (!known) {
    const ask = (): void => page.compareRows(first, second);
    return html`${said('Which rows does only one of them get right? To find out, both models predict the validation rows again.')}
      <vscode-button secondary icon="git-compare" @click=${ask}>Compare Row by Row</vscode-button>`;
  }
  if (known.problem !== null) return said(`They cannot be compared row by row: ${known.problem}`);
  if (known.comparison === null) return said(html`<span role="status">Predicting the rows with both models…</span>`);
  const { n, shared, outcome } = known.comparison;
  if (outcome === null)
    return said(
      html`<strong>They were measured on different rows</strong>: ${count(n[0])} and ${count(n[1])}, ${
        shared === 0 ? 'none of them' : count(shared)
      } in both. Their figures cannot be compared row by row.`,
    );
  return html`${said(html`Both were measured on <strong>the same ${plural(n[0], 'row')}</strong>. ${verdict(a, b, outcome)}`)}
    <table class="data outcome">
      <tbody>
        <tr><th scope="row">Both right</th><td class="number">${count(outcome.both)}</td></tr>
        <tr><th scope="row">Only ${a} right</th><td class="number">${count(outcome.only_first)}</td></tr>
        <tr><th scope="row">Only ${b} right</th><td class="number">${count(outcome.only_second)}</td></tr>
        <tr><th scope="row">Both wrong</th><td class="number">${count(outcome.neither)}</td></tr>
      </tbody>
    </table>
    ${outcome.rows.length > 0 ? comparedRows(first, second, outcome.rows, page) : nothing}
    ${
      outcome.rows.length < outcome.only_first + outcome.only_second
        ? html`<p class="empty">${count(outcome.rows.length)} of ${plural(outcome.only_first + outcome.only_second, 'row')} that only one gets right.</p>`
        : nothing
    }`;
};

/** What McNemar's exact test says of the rows that only one gets right. */
export const verdict = (a: string, b: string, outcome: { only_first: number; only_second: number }): string => {
  const { only_first, only_second } = outcome;
  if (only_first + only_second === 0) return 'They get the same rows right.';
  const p = mcnemar(only_first, only_second);
  const test = `McNemar’s exact test: p\u00a0=\u00a0${significant(p, 2)}`;
  return p < SIGNIFICANT
    ? `${only_first > only_second ? a : b} is better (${test}).`
    : `The difference may well be chance (${test}).`;
};

const comparedRows = (
  first: RunView,
  second: RunView,
  rows: readonly ComparedRow[],
  page: Page,
): TemplateResult => html`
  <div class="scroll-both"><table class="data rows">
    <thead><tr><th scope="col" class="number">Line</th><th scope="col">Text</th><th scope="col" class="wide-only">Label</th><th scope="col" class="wide-only">${first.record.name}</th><th scope="col" class="wide-only">${second.record.name}</th></tr></thead>
    <tbody>${rows.map(
      (row) => html`<tr>
        ${lineCell(first, row, page)}
        <td class="text">${textsOf(row)}
          <span class="narrow-only muted">${row.label}: only ${row.first === row.label ? first.record.name : second.record.name} is right, the other predicts ${row.first === row.label ? row.second : row.first}</span></td>
        <td class="wide-only">${row.label}</td>
        ${[row.first, row.second].map((answer) => html`<td class="wide-only ${answer === row.label ? '' : 'mistaken'}">${answer}</td>`)}
      </tr>`,
    )}</tbody>
  </table></div>`;
