import { html, nothing, type TemplateResult } from 'lit';
import { csv } from '../../protocol/csv.ts';
import type { Metrics } from '../../protocol/events.ts';
import { type MetricKey, measured } from '../../protocol/metrics.ts';
import { taskNameOf, taskOf } from '../../protocol/tasks.ts';
import { type Trainings, trainingName, trainingsOf } from '../../protocol/trainings.ts';
import { capital, count, METRIC_NAMES, metric, plural } from '../shared/format.ts';
import { copyButton } from './cells.ts';
import type { Page } from './page.ts';
import { hasEnded, type RunView } from './store.ts';

/** Of several trainings the one that charts show ("fold 2 of 5"); null for any other run, and before its start. */
const shownStage = ({ record, fold, start }: RunView): string | null => {
  const trainings = trainingsOf(record);
  return trainings && start ? stageInText(trainings, fold) : null;
};

const stageInText = (trainings: Trainings, at: number | undefined): string => {
  const name = trainingName(trainings, at);
  const inText = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
  return at === undefined ? `the ${inText}` : inText;
};

/** Said above the charts: which of several trainings they show. */
export const stageLine = (runs: readonly RunView[]): TemplateResult | typeof nothing => {
  const stages = runs.flatMap((run) => {
    const stage = shownStage(run);
    return stage === null ? [] : [runs.length > 1 ? `${run.record.name}: ${stage}` : stage];
  });
  return stages.length === 0 ? nothing : html`<span class="stage">Charts of ${stages.join(', ')}</span>`;
};

/** The folds of a cross-validation, or the seeds of a run, with their mean and spread, as far as it has come. */
export const foldsView = (run: RunView, page: Page): TemplateResult | typeof nothing => {
  const trainings = trainingsOf(run.record);
  if (!trainings) return nothing;
  const { what, names, results, deviations } = trainings;
  const rows = `${taskOf(taskNameOf(run.record.recipe)).row}s`;
  const means = run.record.best?.metrics ?? {};
  const keys = measured(results[0]?.metrics ?? {}).map(({ key }) => key);
  const cells = (metrics: Metrics) => keys.map((key) => html`<td class="number">${metric(key, metrics[key])}</td>`);
  const about =
    what === 'seed'
      ? `The same recipe with other seeds: each draws its own order of ${rows}, dropout and new weights, and its validation ${rows} where the dataset names none. The model, and the evaluation below, are those of seed ${names[0]}, the recipe’s own.`
      : `${capital(rows)}: held out from the fold’s training, and measured after its last step.${
          trainings.final ? ` The model is trained on all ${rows} afterwards; expect it to score as the folds do.` : ''
        }`;
  return html`<section class="area-folds" aria-labelledby="folds-title">
    <div class="section-head">
      <h2 id="folds-title">${what === 'seed' ? 'Seeds' : 'Cross-validation'}</h2>
      <span class="muted">${progressOf(run, trainings)}</span>
      ${results.length > 0 ? copyButton(`${what}s`, () => trainingsCsv(trainings, keys), page) : nothing}
    </div>
    ${
      results.length === 0
        ? html`<p class="empty">Appears after the first ${what}.</p>`
        : html`<div class="scroll-x"><table class="data folds">
            <thead><tr><th scope="col">${capital(what)}</th><th scope="col" class="number">${capital(rows)}</th>${keys.map(
              (key) => html`<th scope="col" class="number">${METRIC_NAMES[key]}</th>`,
            )}</tr></thead>
            <tbody>${results.map(
              ({ name, n, metrics }) =>
                html`<tr><th scope="row">${what === 'seed' ? String(name) : count(name)}</th><td class="number">${count(n)}</td>${cells(metrics)}</tr>`,
            )}</tbody>
            <tfoot>
              <tr><th scope="row">Mean</th><td></td>${cells(means)}</tr>
              ${
                results.length > 1
                  ? html`<tr><th scope="row" title=${`Sample standard deviation over the ${what}s`}>Spread (±)</th><td></td>${cells(deviations)}</tr>`
                  : nothing
              }
            </tfoot>
          </table></div>`
    }
    <p class="empty">${about}</p>
  </section>`;
};

/** How far it is: what was finished, and what is trained now. */
const progressOf = (run: RunView, { what, count: planned, results, final }: Trainings): string => {
  const finished = `${count(results.length)} of ${plural(planned, what)} finished`;
  if (results.length === planned && (!final || hasEnded(run.record.state))) return plural(planned, what);
  const stage = hasEnded(run.record.state) ? null : shownStage(run);
  return stage === null ? finished : `${finished}, ${stage} in training`;
};

const trainingsCsv = ({ what, results }: Trainings, keys: readonly MetricKey[]): string =>
  csv(
    [what, 'rows', ...keys],
    results.map(({ name, n, metrics }) => [name, n, ...keys.map((key) => metrics[key] ?? null)]),
  );
