import { html, nothing, type TemplateResult } from 'lit';
import { type EvaluationReport, fewRowsNote } from '../../protocol/evaluation.ts';
import type { Metrics } from '../../protocol/events.ts';
import { type MetricKey, measured } from '../../protocol/metrics.ts';
import { type TaskName, taskOf } from '../../protocol/tasks.ts';
import { day, METRIC_NAMES, metric, percent, plural } from '../shared/format.ts';
import { classificationView } from './classification-view.ts';
import { labelsView } from './labels-view.ts';
import { languageView } from './language-view.ts';
import type { Page } from './page.ts';
import { intervalText, type NamedReport, reportsOf, shownReport } from './reports.ts';
import type { RunView } from './store.ts';
import { tagsView } from './tags-view.ts';
import { valuesView } from './values-view.ts';

/** What stands beside and below the metrics. */
type TaskView<T extends TaskName> = (
  run: RunView,
  shown: NamedReport & { report: Extract<EvaluationReport, { task: T }> },
  page: Page,
) => { beside: TemplateResult; below: TemplateResult };

/** One view for each task. */
const VIEWS: { readonly [T in TaskName]: TaskView<T> } = {
  'text-classification': classificationView,
  multi_label_classification: labelsView,
  regression: valuesView,
  'token-classification': tagsView,
  'text-generation': languageView,
  conversational: languageView,
};

export const evaluationView = (run: RunView, page: Page): TemplateResult => {
  const shown = shownReport(run, page.view.split);
  if (!shown)
    return html`${problems(run)}<section><p class="empty">${
      run.evals.length > 0
        ? 'Classes, the confusion matrix and the worst rows appear once the run has written its evaluation.'
        : 'Appears after the first evaluation.'
    }</p></section>`;
  const { report } = shown;
  const { beside, below } = VIEWS[report.task](run, shown as never, page);
  return html`
    ${problems(run)}
    ${chooser(run, shown, page)}
    <div class="columns">
      <section class="area-metrics">${metricsTable(report)}</section>
      ${beside}
    </div>
    ${below}`;
};

/** Evaluations that are there and cannot be read. */
const problems = (run: RunView): TemplateResult | typeof nothing =>
  run.reportProblems.length === 0
    ? nothing
    : html`<div class="banner banner-warning" role="status">
        <span class="codicon codicon-warning" aria-hidden="true"></span>
        <p>${run.reportProblems.map((problem) => html`<span class="line">${problem}</span>`)}</p>
      </div>`;

/** Rows of every evaluation are read as those of the training were. */
const through = ({ record: { template } }: RunView): TemplateResult | typeof nothing =>
  template
    ? html`<span class="muted">Rows went through the run’s <code>${template.path.split(/[\\/]/).at(-1)}</code></span>`
    : nothing;

/** What is shown, of all that was measured with the run's model. */
const chooser = (run: RunView, shown: NamedReport, page: Page): TemplateResult => {
  const { report, evaluation } = shown;
  const reports = reportsOf(run);
  const few = report.folds === undefined ? fewRowsNote(report.n, taskOf(report.task).row) : null;
  const offers = run.record.recipe_path !== null && !run.readOnly && !run.gone;
  return html`
    <div class="section-head">
      <h2>${shown.title}, ${plural(report.n, taskOf(report.task).row)}</h2>
      ${
        report.folds === undefined
          ? nothing
          : html`<span class="muted pooled">Answers of ${plural(report.folds, 'fold')} together, each row’s by the model that had not seen it</span>`
      }
      ${through(run)}
      ${
        reports.length > 1
          ? html`<label class="inline">Measured on <vscode-single-select label="Measured on"
              @change=${(event: Event) => page.change({ split: (event.target as HTMLSelectElement).value, cell: null })}>
              ${reports.map((r) => html`<vscode-option value=${r.key} ?selected=${r.key === shown.key}>${r.title}</vscode-option>`)}
            </vscode-single-select></label>`
          : nothing
      }
      ${
        evaluation
          ? html`<span class="measured"><span class="muted">${day(evaluation.evaluated_at)}</span>
            <button class="link" title="Open ${evaluation.file}"
              @click=${() => page.post({ type: 'openRow', run: run.id, file: evaluation.file, line: 1 })}>Open file</button></span>`
          : nothing
      }
    </div>
    ${
      few === null
        ? nothing
        : html`<p class="few"><span class="codicon codicon-warning" aria-hidden="true"></span>
            <span>${
              evaluation
                ? `${plural(report.n, taskOf(report.task).row)}: this says little.`
                : html`${few}. Hold out a larger share (<code>validation_split</code> in the recipe), or use ${
                    offers
                      ? html`<button class="link" @click=${() => page.act(run, 'crossValidate')}>Cross-Validate…</button>`
                      : html`<code>luthier train RECIPE --folds 5</code>`
                  }.`
            }</span></p>`
    }`;
};

const metricsTable = (report: EvaluationReport): TemplateResult => {
  const majority = 'majority' in report ? report.majority : null;
  return html`
    <div class="scroll-x"><table class="data metrics" aria-label="Metrics">
      <thead><tr><th scope="col">Metric</th><th scope="col" class="number">Value</th><th scope="col" class="number">${percent(0.95, 0)} interval</th>${
        majority ? html`<th scope="col" class="number">Majority</th>` : nothing
      }</tr></thead>
      <tbody>${measured(report.metrics).map(
        ({ key }) => html`<tr><th scope="row">${METRIC_NAMES[key]}</th>
          <td class="number">${metric(key, (report.metrics as Metrics)[key])}</td>
          <td class="number">${intervalText(report, key)}</td>${
            majority ? html`<td class="number">${majorityText(majority, key)}</td>` : nothing
          }</tr>`,
      )}</tbody>
    </table></div>
    ${majority ? html`<p class="empty">Majority: always answering <q>${majority.label}</q>.</p>` : nothing}`;
};

/** What always answering one class scores; its MCC is 0 by definition. Empty where it says nothing. */
const majorityText = (majority: { mcc?: number }, key: MetricKey): string => {
  const value = key === 'mcc' ? (majority.mcc ?? 0) : (majority as Metrics)[key];
  return value === undefined ? '' : metric(key, value);
};
