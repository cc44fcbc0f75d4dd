import { html, nothing, type TemplateResult } from 'lit';
import { csv } from '../../protocol/csv.ts';
import { stageName } from '../../protocol/folds.ts';
import { type MetricKey, measured } from '../../protocol/metrics.ts';
import type { CrossValidation } from '../../protocol/run.ts';
import { taskNameOf, taskOf } from '../../protocol/tasks.ts';
import { capital, count, METRIC_NAMES, metric, plural } from '../shared/format.ts';
import { copyButton } from './cells.ts';
import type { Page } from './page.ts';
import { hasEnded, type RunView } from './store.ts';

/** Of a cross-validation: the training that charts show ("fold 2 of 5"); null for any other run, and before its start. */
const shownStage = ({ record, fold, start }: RunView): string | null =>
  record.folds && start ? stageInText(record.folds, fold) : null;

const stageInText = (plan: CrossValidation, fold: number | undefined): string => {
  const name = stageName(plan, fold);
  return fold === undefined ? `the ${name.charAt(0).toLowerCase()}${name.slice(1)}` : name.replace('Fold', 'fold');
};

/** Said above the charts: which training of a cross-validation they show. */
export const stageLine = (runs: readonly RunView[]): TemplateResult | typeof nothing => {
  const stages = runs.flatMap((run) => {
    const stage = shownStage(run);
    return stage === null ? [] : [runs.length > 1 ? `${run.record.name}: ${stage}` : stage];
  });
  return stages.length === 0 ? nothing : html`<span class="stage">Charts of ${stages.join(', ')}</span>`;
};

/** The folds of a cross-validation with their mean and spread, as far as it has come. */
export const foldsView = (run: RunView, page: Page): TemplateResult | typeof nothing => {
  const { folds } = run.record;
  if (!folds) return nothing;
  const { results, deviations } = folds;
  const rows = `${taskOf(taskNameOf(run.record.recipe)).row}s`;
  const means = run.record.best?.metrics ?? {};
  const keys = measured(results[0]?.metrics ?? {}).map(({ key }) => key);
  const cells = (metrics: CrossValidation['deviations']) =>
    keys.map((key) => html`<td class="number">${metric(key, metrics[key])}</td>`);
  return html`<section class="area-folds" aria-labelledby="folds-title">
    <div class="section-head">
      <h2 id="folds-title">Cross-validation</h2>
      <span class="muted">${progressOf(run, folds)}</span>
      ${results.length > 0 ? copyButton('folds', () => foldsCsv(folds, keys), page) : nothing}
    </div>
    ${
      results.length === 0
        ? html`<p class="empty">Appears after the first fold.</p>`
        : html`<div class="scroll-x"><table class="data folds">
            <thead><tr><th scope="col">Fold</th><th scope="col" class="number">${capital(rows)}</th>${keys.map(
              (key) => html`<th scope="col" class="number">${METRIC_NAMES[key]}</th>`,
            )}</tr></thead>
            <tbody>${results.map(
              ({ fold, n, metrics }) =>
                html`<tr><th scope="row">${count(fold)}</th><td class="number">${count(n)}</td>${cells(metrics)}</tr>`,
            )}</tbody>
            <tfoot>
              <tr><th scope="row">Mean</th><td></td>${cells(means)}</tr>
              ${
                results.length > 1
                  ? html`<tr><th scope="row" title="Sample standard deviation over the folds">Spread (±)</th><td></td>${cells(deviations)}</tr>`
                  : nothing
              }
            </tfoot>
          </table></div>`
    }
    <p class="empty">${capital(rows)}: held out from the fold’s training, and measured after its last step.${
      folds.final ? ` The model is trained on all ${rows} afterwards; expect it to score as the folds do.` : ''
    }</p>
  </section>`;
};

/** How far it is: what was finished, and what is trained now. */
const progressOf = (run: RunView, { count: planned, results, final }: CrossValidation): string => {
  const finished = `${count(results.length)} of ${plural(planned, 'fold')} finished`;
  if (results.length === planned && (!final || hasEnded(run.record.state))) return plural(planned, 'fold');
  const stage = hasEnded(run.record.state) ? null : shownStage(run);
  return stage === null ? finished : `${finished}, ${stage} in training`;
};

const foldsCsv = ({ results }: CrossValidation, keys: readonly MetricKey[]): string =>
  csv(
    ['fold', 'rows', ...keys],
    results.map(({ fold, n, metrics }) => [fold, n, ...keys.map((key) => metrics[key] ?? null)]),
  );
