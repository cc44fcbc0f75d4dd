import { join } from 'node:path';
import {
  counted,
  type DoneEvent,
  FORGETS_MUCH,
  FORGETTING_HINT,
  type Forgetting,
  forgetsMuch,
  formatBytes,
  formatChange,
  formatMetric,
  type Metrics,
  measured,
  metricName,
  type RunRecord,
  type Trainings,
  taskNameOf,
  taskOf,
  trainingsOf,
} from '../../protocol/index.ts';
import { readRun } from '../../runs/client.ts';
import type { ModelConfig } from '../hub/model-folder.ts';
import { bold, dim, duration, green, note, print, table, yellow } from './output.ts';
import { shortPath, typedName } from './run-names.ts';

/** What a run that is done has come to: its reports, its model, and what to try next. */
export async function showResult(folder: string, done: DoneEvent): Promise<void> {
  // Laying out tables is needed once, at the end.
  const [{ printReports }, { readJsonRecord }, { CONFIG_FILE }] = await Promise.all([
    import('./report.ts'),
    import('../hub/json-file.ts'),
    import('../hub/model-folder.ts'),
  ]);
  await printReports(folder);
  const record = await readRun(folder);
  const { state } = record;
  const trainings = trainingsOf(record);
  if (trainings !== null) print(trainingsTable(trainings, record.recipe));
  const early = done.stopped_early ? ', stopped early: no more improvement' : '';
  note(
    `${green(state === 'stopped' ? 'Stopped' : 'Done')} after ${duration(done.wall_s)} (first step after ${done.time_to_first_step_s.toFixed(1)} s, peak memory ${formatBytes(done.peak_rss_bytes)}${early}).`,
  );
  if (done.best_step !== done.step)
    note(`The model has the weights of step ${done.best_step}, the best of ${done.step}.`);
  if (done.forgetting) note(`General text: ${forgettingText(done.forgetting)}.`);
  if (done.forgetting && forgetsMuch(done.forgetting)) note(yellow(`${FORGETS_MUCH} ${FORGETTING_HINT}`));
  await tellFindings(folder, record);
  if (done.model === '') return note(dim('No model was trained on all rows.'));
  if (done.folds !== undefined) note('The model was trained on all rows; its metrics are those of the folds.');
  if (done.seeds !== undefined && trainings !== null)
    note(`The model, and the evaluation above, are those of seed ${trainings.names[0]}, the recipe’s own.`);
  note(`Model: ${bold(shortPath(done.model))}`);
  const run = await typedName(folder);
  note(dim(`Try it: luthier ${await tryOut(await readJsonRecord(join(done.model, CONFIG_FILE)), run)}`));
}

/** What the run says about itself, with what to try next. */
export async function tellFindings(folder: string, record: RunRecord): Promise<void> {
  const { findingLines } = await import('./findings.ts');
  for (const line of findingLines(record, await typedName(folder), shortPath)) note(line);
}

/** How much of the base model is forgotten, in the words of a line. */
export const forgettingText = ({ before, after, tokens }: Forgetting): string =>
  `perplexity ${formatMetric('perplexity', after)}, with the base model ${formatMetric('perplexity', before)} (${formatChange(before, after)}; ${counted(tokens, 'token')})`;

/** The command that a run's model answers to. */
async function tryOut(config: ModelConfig, run: string): Promise<string> {
  const [{ inputsOf }, { taskOfModel }] = await Promise.all([
    import('../model-files/inputs.ts'),
    import('../tasks/registry.ts'),
  ]);
  const { writes } = taskOf(taskOfModel(config).name);
  if (writes === 'message') return `chat ${run}`;
  if (writes === 'continuation') return `generate ${run} --text "…"`;
  return `predict ${run} --text "…"${inputsOf(config)?.length === 2 ? ' --text-pair "…"' : ''}`;
}

/** The folds of a cross-validation, or the seeds of a run, their mean and standard deviation. */
export function trainingsTable(
  { what, results, deviations }: Pick<Trainings, 'what' | 'results' | 'deviations'>,
  recipe: RunRecord['recipe'],
): string {
  const keys = measured(results[0]?.metrics ?? {}).map(({ key }) => key);
  const row = (name: string, rows: string, metrics: Metrics) => [
    name,
    rows,
    ...keys.map((key) => (metrics[key] === undefined ? '' : formatMetric(key, metrics[key]))),
  ];
  const means = Object.fromEntries(
    keys.map((key) => [key, results.reduce((sum, { metrics }) => sum + (metrics[key] ?? 0), 0) / results.length]),
  );
  return table(
    [what, `${taskOf(taskNameOf(recipe)).row}s`, ...keys.map(metricName)],
    [
      ...results.map(({ name, n, metrics }) => row(String(name), String(n), metrics)),
      ...(results.length === 0 ? [] : [row('mean', '', means)]),
      ...(results.length < 2 ? [] : [row('std dev', '', deviations)]),
    ],
    [1, ...keys.map((_, i) => i + 2)],
  );
}
