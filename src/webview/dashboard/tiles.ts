import { html, nothing, type TemplateResult } from 'lit';
import { fewRowsNote } from '../../protocol/evaluation.ts';
import { capitalized } from '../../protocol/figures.ts';
import type { MetricKey } from '../../protocol/metrics.ts';
import { rateOf } from '../../protocol/recipe.ts';
import type { StepColumn } from '../../protocol/steps.ts';
import { taskNameOf, taskOf } from '../../protocol/tasks.ts';
import { type Trainings, trainingsOf } from '../../protocol/trainings.ts';
import {
  bytes,
  count,
  interval,
  metric,
  metricInText,
  milliseconds,
  percent,
  plural,
  significant,
} from '../shared/format.ts';
import type { Page } from './page.ts';
import { isSolvedRun } from './solved-view.ts';
import { hasEnded, isWorking, type RunView } from './store.ts';

interface Tile {
  name: string;
  value: string;
  detail: string;
}

const last = (run: RunView, column: StepColumn): number | null => {
  const values = run.steps.column(column);
  return values.length === 0 ? null : values[values.length - 1]!;
};

const median = (run: RunView, column: StepColumn): number | null => {
  const values = Float64Array.from(run.steps.column(column)).sort();
  return values.length === 0 ? null : values[values.length >> 1]!;
};

/** The figure of several trainings, folds or seeds: their mean, with how far they lie apart. */
const meanTile = ({ what, results, deviations }: Trainings, key: MetricKey, mean: number | undefined): Tile => {
  const spread = deviations[key] === undefined ? [] : [`± ${metric(key, deviations[key])}`];
  const detail = [...spread, plural(results.length, what).replace(' ', '\u00a0')].join(', ');
  return {
    name: `Mean ${metricInText(key)}`,
    value: metric(key, mean),
    detail: results.length === 0 ? `after the first ${what}` : detail,
  };
};

/** What the last step's loss is of. */
const lossName = ({ start, steps }: RunView): string => {
  if (start?.loss_of === 'pairs') return 'Loss of pairs';
  return steps.lastStep > 0 && steps.lastStep <= (start?.pretraining?.steps ?? 0)
    ? 'Loss of pre-training'
    : 'Training loss';
};

/** Which memory it is: of a run without a process there is no "now". */
const memoryOf = (run: RunView): string => {
  const { state } = run.record;
  if (run.done) return 'peak';
  return isWorking(state) || state === 'paused' ? 'now' : 'at the last step';
};

export const tilesFor = (run: RunView, page: Pick<Page, 'view' | 'averages'>): Tile[] => {
  const key = run.record.recipe.metric_for_best_model ?? 'loss';
  const { best } = run.record;
  const trainings = trainingsOf(run.record);
  const report = run.reports.find((r) => r.split === 'validation');
  const range = report?.intervals[key];
  const measured = report?.metrics[key] ?? best?.metrics[key];
  const { name: task, row, label } = taskOf(taskNameOf(run.record.recipe));
  const labels = task === 'regression' ? 0 : (run.start?.labels.length ?? 0);
  const n = report?.n ?? run.evals.findLast(({ split, step }) => split === 'validation' && step === best?.step)?.n;
  const few = n === undefined ? null : fewRowsNote(n, row);
  const smooth = page.averages.of(run, 'loss', page.view.smoothing);
  const loss = smooth.length === 0 ? null : smooth[smooth.length - 1]!;
  // One step says little of how fast a whole run was.
  const speed = (column: StepColumn): number | null => (run.done ? median(run, column) : last(run, column));
  const memory = run.done?.peak_rss_bytes ?? last(run, 'rss_bytes');
  // One step without a learning rate: its speed and its rate say nothing.
  const isSolved = isSolvedRun(run);
  // The last step's rate says nothing of a run that is done: most schedules end at 0.
  const peak = run.done ? rateOf(run.record.recipe)?.value : undefined;
  const { solved } = run;
  return [
    trainings
      ? meanTile(trainings, key, best?.metrics[key])
      : {
          name: `Best ${metricInText(key)}`,
          value: metric(key, measured),
          detail:
            measured === undefined
              ? hasEnded(run.record.state)
                ? 'no evaluation'
                : 'after the first evaluation'
              : [
                  ...(range
                    ? [`${percent(0.95, 0)}: ${interval(key, range)}`]
                    : few === null && best
                      ? [`step ${count(best.step)}`]
                      : []),
                  ...(few !== null ? [few] : n === undefined ? [] : [plural(n, row).replace(' ', '\u00a0')]),
                ].join(', '),
        },
    {
      name: lossName(run),
      value: significant(loss),
      detail:
        loss === null
          ? ''
          : isSolved
            ? `mean of all ${row}s`
            : page.view.smoothing > 0
              ? `last step ${significant(last(run, 'loss'))}`
              : 'not smoothed',
    },
    isSolved
      ? {
          name: 'Features',
          value: count(solved?.features),
          detail: solved ? `solved in ${plural(solved.iterations, 'iteration')}` : '',
        }
      : {
          name: 'Tokens per second',
          value: significant(speed('tokens_per_second')),
          detail:
            run.steps.lastStep > 0 ? `${milliseconds(speed('step_ms'))} per step${run.done ? ', medians' : ''}` : '',
        },
    { name: 'Memory', value: bytes(memory), detail: memory === null ? '' : memoryOf(run) },
    isSolved
      ? {
          name: 'C',
          value: solved ? significant(solved.C, 1) : '–',
          detail: solved ? (solved.choices.length > 0 ? `best of ${count(solved.choices.length)}` : 'not chosen') : '',
        }
      : {
          name: 'Learning rate',
          value: significant(peak ?? last(run, 'learning_rate')),
          detail: [
            ...(peak === undefined ? [] : ['peak']),
            run.start?.loss_of === 'pairs'
              ? 'linear'
              : (run.record.recipe.lr_scheduler_type?.replaceAll('_', ' ') ?? ''),
          ]
            .filter(Boolean)
            .join(', '),
        },
    {
      name: `${capitalized(row)}s`,
      value: count(run.start?.num_train_rows),
      detail: run.start
        ? `${labels === 0 ? '' : `${plural(labels, ...label)}, `}${run.start.num_validation_rows === 0 ? 'none' : count(run.start.num_validation_rows)} held out`
        : '',
    },
  ];
};

export const tiles = (run: RunView, page: Page): TemplateResult => html`
  <dl class="tiles" aria-label="Run figures">
    ${tilesFor(run, page).map(
      ({ name, value, detail }) => html`<div class="tile">
        <dt>${name}</dt>
        <dd class="value">${value}</dd>
        ${detail ? html`<dd class="detail">${detail}</dd>` : nothing}
      </div>`,
    )}
  </dl>`;
