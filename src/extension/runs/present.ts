import {
  counted,
  FEW_ROWS_HINT,
  FORGETTING_HINT,
  fewRowsNote,
  forgetsMuch,
  forgettingSentence,
  formatMetric,
  metricName,
  type RunState,
  rateOf,
  STATE_WORDS,
  taskOf,
  trainingsOf,
} from '../../protocol/index.ts';
import { markdown, plainLine } from '../escape.ts';
import { formatDuration } from '../format.ts';
import { type RunTrait, TREE_ITEMS } from '../ids.ts';
import { bestMetric, hasModel, hasWriter, isResumable, isWorking, type Run } from './run.ts';

/** Codicon and theme colour of each state. */
const ICONS: Record<RunState, { icon: string; color?: string }> = {
  queued: { icon: 'clock' },
  starting: { icon: 'loading~spin' },
  // Does not spin: where there is no GPU, that costs a run every sixth of its steps.
  running: { icon: 'play-circle', color: 'charts.blue' },
  paused: { icon: 'debug-pause', color: 'charts.yellow' },
  stopping: { icon: 'loading~spin' },
  done: { icon: 'pass-filled', color: 'testing.iconPassed' },
  stopped: { icon: 'pass', color: 'testing.iconPassed' },
  cancelled: { icon: 'circle-slash' },
  failed: { icon: 'error', color: 'testing.iconFailed' },
  interrupted: { icon: 'warning', color: 'charts.orange' },
};

export const stateIcon = (run: Run): { icon: string; color?: string } =>
  run.damaged ? { icon: 'question' } : run.silent ? { icon: 'watch', color: 'charts.orange' } : ICONS[run.state];

export const stateWord = (run: Run): string => (run.silent ? 'not answering' : STATE_WORDS[run.state]);

/** Share of the steps done, 0 to 1; null while their number is not known. */
function fractionDone(run: Run): number | null {
  const step = run.progress?.step ?? run.record.step;
  const total = run.progress?.totalSteps || run.record.total_steps;
  return total > 0 ? Math.min(1, step / total) : null;
}

/** Seconds between start and end (or now). Null when it never started. */
function runSeconds(run: Run, now = Date.now()): number | null {
  if (!run.record.started_at) return null;
  const end = run.record.finished_at ? Date.parse(run.record.finished_at) : isWorking(run) ? now : Number.NaN;
  const seconds = (end - Date.parse(run.record.started_at)) / 1000;
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}

/** Of a run that would go on if it were resumed: then one is asked first. */
const FOREIGN = 'came with this folder';

/** The words beside a run's name: progress while it works, then its metric and how long it took. */
export function describeRunItem(run: Run, position: number | null, now = Date.now()): string {
  if (run.damaged) return (run.readOnly ?? 'unreadable').replace(/^This run cannot be read: /, '');
  const parts: string[] = [];
  const fraction = fractionDone(run);
  const best = run.state === 'queued' || run.state === 'cancelled' ? null : bestMetric(run.record);
  // First, and the number before its name: a narrow side bar cuts the rest off.
  if (best) parts.push(`${formatMetric(best.key, best.value)} ${metricName(best.key)}${measuredOn(run)}`);
  if (run.state === 'queued')
    parts.push(
      run.foreign
        ? FOREIGN
        : position === null
          ? 'not queued'
          : position === 1
            ? 'next'
            : `number ${position} in the queue`,
    );
  else if (run.state === 'running' || run.state === 'paused' || run.state === 'stopping') {
    if (run.state !== 'running' || run.silent) parts.push(stateWord(run));
    if (run.progress?.stage) parts.push(uncapitalised(run.progress.stage));
    if (fraction !== null) parts.push(`${Math.floor(100 * fraction)} %`);
    const eta = run.progress?.etaSeconds;
    if (run.state === 'running' && eta !== null && eta !== undefined) parts.push(`${formatDuration(eta)} left`);
  } else {
    // The icon says that it is done.
    if (run.state !== 'done') parts.push(stateWord(run));
    if (run.state === 'interrupted' && run.foreign) parts.push(FOREIGN);
    if (run.state === 'interrupted' && fraction !== null) parts.push(`${Math.floor(100 * fraction)} %`);
    const seconds = run.state === 'done' || run.state === 'stopped' ? runSeconds(run, now) : null;
    if (seconds !== null) parts.push(formatDuration(seconds));
  }
  return parts.join(' · ');
}

const uncapitalised = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** Said beside a metric that says little by itself, and of several trainings. */
function measuredOn({ record }: Run): string {
  const trainings = trainingsOf(record);
  if (trainings) return `, mean of ${counted(trainings.results.length, trainings.what)}`;
  const n = record.best?.n;
  return n !== undefined && fewRowsNote(n) !== null ? ` on ${counted(n, taskOf(record.recipe.task).row)}` : '';
}

/** What `when` clauses test: `run.<state>` with `.model`, `.writes`, `.resumable`, `.readonly` as they apply. */
export function runContextValue(run: Run): string {
  const traits: RunTrait[] = [];
  if (hasModel(run)) traits.push('model');
  if (hasWriter(run)) traits.push('writes');
  if (isResumable(run)) traits.push('resumable');
  if (run.readOnly) traits.push('readonly');
  return [TREE_ITEMS.run, run.state, ...traits].join('.');
}

/** One line for the status bar while runs work: `34 % · 2 min`, and how many more wait. */
export function statusText(working: readonly Run[], waitingCount: number): string | null {
  const run = working[0];
  if (!run) return null;
  const fraction = fractionDone(run);
  const percent = fraction === null ? '' : ` ${Math.floor(100 * fraction)} %`;
  const eta = run.progress?.etaSeconds;
  const left = run.state === 'running' && eta !== null && eta !== undefined ? ` · ${formatDuration(eta)} left` : '';
  const icon = run.state === 'paused' ? '$(debug-pause)' : '$(play-circle)';
  const words = run.state === 'running' ? '' : ` ${stateWord(run)}`;
  const more = working.length - 1 + waitingCount;
  return `${icon} ${plainLine(run.record.name)}${words}${percent}${left}${more > 0 ? ` (+${more})` : ''}`;
}

/** Whether a run ended with a figure measured on so few rows that a cross-validation would say more. */
export function saysLittle({ state, record }: Run): boolean {
  const n = record.best?.n;
  const isMeasured = (state === 'done' || state === 'stopped') && n !== undefined && !trainingsOf(record);
  return isMeasured && record.recipe_path !== null && fewRowsNote(n) !== null;
}

/** What is said once a run has ended. `problem` asks for a warning's colour. */
export function endMessage(run: Run): { text: string; problem: boolean } {
  const best = bestMetric(run.record);
  const { row } = taskOf(run.record.recipe.task);
  const trainings = trainingsOf(run.record);
  const where = trainings
    ? `as the mean of ${counted(trainings.results.length, trainings.what)}`
    : `on the validation ${row}s`;
  const few = trainings ? null : fewRowsNote(run.record.best?.n ?? Number.POSITIVE_INFINITY, row);
  const metric = best ? `: ${metricName(best.key)} ${formatMetric(best.key, best.value)} ${where}` : '';
  const { name, error, forgetting } = run.record;
  const forgotten =
    forgetting && forgetsMuch(forgetting)
      ? ` ${forgettingSentence(forgetting, 'the base model')} ${FORGETTING_HINT}`
      : '';
  const note = `${best && few ? ` ${few}. ${FEW_ROWS_HINT}` : ''}${forgotten}`;
  switch (run.state) {
    case 'failed':
      return {
        text: `${name} failed: ${error?.message ?? 'see its log.'}${error?.hint ? ` ${error.hint}` : ''}`,
        problem: true,
      };
    case 'interrupted':
      return {
        text: `${name} was interrupted: its process stopped unexpectedly${run.record.environment?.executor === 'webgpu' ? ', perhaps ended by the driver of the graphics card' : ''}. Resume picks up at its last checkpoint.`,
        problem: true,
      };
    case 'cancelled':
      return { text: `${name} was discarded.`, problem: false };
    case 'stopped':
      return { text: `${name} was stopped${metric}.${note}`, problem: false };
    default:
      return { text: `${name} is done${metric}.${note}`, problem: false };
  }
}

/** What a run's tooltip says, as Markdown in which no value is markup. */
export function tooltipLines(run: Run): string[] {
  const { record } = run;
  const recipe = record.recipe;
  const lines = [`**${markdown(record.name)}** — ${stateWord(run)}`];
  if (record.note) lines.push(markdown(record.note));
  if (record.tags?.length) lines.push(`$(tag) ${markdown(record.tags.join(', '))}`);
  if (run.foreign && !run.damaged) {
    lines.push('Not started on this machine: it came with this folder, was moved, or is from Luthier 0.1.0.');
  }
  if (run.readOnly) lines.push(`$(lock) ${markdown(run.readOnly)}`);
  if (record.error) lines.push(`$(error) ${markdown(record.error.message)}`);
  if (recipe.model) {
    const strategy = recipe.strategy?.type ?? 'full';
    const rate = rateOf(recipe);
    // A record that came from elsewhere may lack them.
    const epochs: number | undefined = recipe.num_train_epochs;
    const figures = [
      ...(rate?.value === undefined ? [] : [`${rate.key} ${rate.value}`]),
      // Epochs of pairs are the strategy's own, and a solved head has none.
      ...(rate?.key === 'learning_rate' && epochs !== undefined ? [counted(epochs, 'epoch')] : []),
    ];
    lines.push(markdown([recipe.model, strategy, ...figures].join(' · ')));
  }
  if (record.total_steps > 0) lines.push(`Step ${record.step} of ${record.total_steps}`);
  if (record.best) {
    const metrics = Object.entries(record.best.metrics).map(
      ([key, value]) => `${metricName(key)} ${formatMetric(key, value ?? 0)}`,
    );
    const trainings = trainingsOf(record);
    const where = trainings
      ? `Mean of ${counted(trainings.results.length, trainings.what)}`
      : `Best at step ${record.best.step}`;
    lines.push(markdown(`${where}: ${metrics.join(', ')}`));
  }
  if (record.environment)
    lines.push(
      markdown(
        `${record.environment.executor}, ${record.environment.num_threads} ${record.environment.num_threads === 1 ? 'thread' : 'threads'}`,
      ),
    );
  return lines;
}
