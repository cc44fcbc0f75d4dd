import { rm } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { MultiBar, type SingleBar } from 'cli-progress';
import {
  counted,
  type DoneEvent,
  eventPrefix,
  FEW_ROWS_FOLDS,
  FORGETS_MUCH,
  FORGETTING_HINT,
  type Forgetting,
  forgetsMuch,
  formatBytes,
  formatChange,
  formatCompact,
  LuthierError,
  type Metrics,
  measured,
  metricName,
  type RunEvent,
  type RunRecord,
  type SamplesEvent,
  type StartEvent,
  type StepEvent,
  suggestedFolds,
  type TaskDescription,
  type Trainings,
  taskNameOf,
  taskOf,
  trainingsOf,
} from '../../protocol/index.ts';
import { connectRun, type RunClient, readRun } from '../../runs/client.ts';
import { findRunFolders } from '../../runs/find.ts';
import { FILES } from '../../runs/folder.ts';
import { type MetricsLine, readEvents } from '../../runs/metrics.ts';
import { metricValue } from '../evaluate/format.ts';
import type { ModelConfig } from '../hub/model-folder.ts';
import {
  bold,
  dim,
  duration,
  EXIT,
  forTerminal,
  green,
  metricLine,
  note,
  print,
  printJson,
  reportError,
  table,
  wrapped,
  yellow,
} from './output.ts';

export interface WatchOptions {
  json: boolean;
  /** Line of metrics.jsonl that is shown first. */
  fromLine?: number;
}

/**
 * Shows a run until it ends. Ctrl-C asks it to write a checkpoint and end, a second one kills it.
 * @returns the exit code
 */
export async function watchRun(folder: string, options: WatchOptions): Promise<number> {
  const task = taskOf(taskNameOf((await readRun(folder)).recipe));
  const screen = options.json
    ? new JsonScreen()
    : process.stderr.isTTY
      ? new BarScreen(folder, task)
      : new LineScreen(folder, task);
  // Where one looks on from the middle, the start has been told already.
  if (options.fromLine !== undefined) {
    const { step, total_steps } = await readRun(folder);
    if (total_steps > 0) screen.begin(step, total_steps);
  }
  let ending: RunEvent | null = null;
  let nextLine = options.fromLine ?? 0;
  const see = ({ line, event }: MetricsLine) => {
    nextLine = line + 1;
    if (event.event === 'done' || event.event === 'error') ending = event;
    screen.show(event);
  };
  const interrupted = await follow(folder, nextLine, screen, see);
  // What was said after the last that came through stands in the folder all the same.
  for (const logged of await readEvents(join(folder, FILES.metrics), nextLine)) see(logged);
  screen.close();
  return conclude(folder, ending, interrupted, options);
}

/** Listens until the run's process ends. @returns whether the person asked it to */
async function follow(
  folder: string,
  fromLine: number,
  screen: Screen,
  see: (logged: MetricsLine) => void,
): Promise<boolean> {
  let interruption: Interruption | null = null;
  try {
    const client = await connectRun(folder, 'luthier train');
    interruption = new Interruption(client, screen);
    const closed = new Promise<void>((resolve) => client.onClose(resolve));
    client.onEvent(see);
    await client.request('subscribe', { from_line: fromLine });
    await closed;
  } catch (error) {
    // A run can end before we have connected or subscribed; what it was is in its folder.
    if (!(error instanceof LuthierError && error.code === 'interrupted')) throw error;
  } finally {
    interruption?.dispose();
  }
  return interruption?.wanted ?? false;
}

/** Ctrl-C, and what `kill` sends. */
class Interruption {
  wanted = false;
  readonly #client: RunClient;
  readonly #screen: Screen;
  readonly #handler = () => this.#interrupt();

  constructor(client: RunClient, screen: Screen) {
    this.#client = client;
    this.#screen = screen;
    process.on('SIGINT', this.#handler);
    process.on('SIGTERM', this.#handler);
  }

  dispose(): void {
    process.off('SIGINT', this.#handler);
    process.off('SIGTERM', this.#handler);
  }

  #interrupt(): void {
    if (this.wanted) {
      // The thread of a run is blocked while a step computes: only another process can end it at once.
      process.kill(this.#client.pid, 'SIGKILL');
      return;
    }
    this.wanted = true;
    this.#screen.say('Writing a checkpoint and ending… Press Ctrl-C again to end at once.');
    // Its answer may be lost with the connection, which says as much.
    this.#client.request('interrupt', {}).catch(() => undefined);
  }
}

async function conclude(
  folder: string,
  ending: RunEvent | null,
  interrupted: boolean,
  { json, fromLine }: WatchOptions,
): Promise<number> {
  if (ending?.event === 'done') {
    if (!json) await showResult(folder, ending);
    return EXIT.done;
  }
  let record: RunRecord;
  try {
    record = await readRun(folder);
  } catch (error) {
    // A folder that was deleted or moved holds no record; its process has told why it ended.
    if (ending?.event !== 'error') throw error;
    return reportError(new LuthierError(ending.code as LuthierError['code'], ending.message, ending.hint));
  }
  if (record.state === 'failed' && record.error !== null) {
    const { code, message, hint } = record.error;
    // What never began leaves nothing to list, and its folder's name free; a bug's log is kept, and so is a run that
    // stood there before: its record alone says that it never began.
    if (record.total_steps === 0 && code !== 'internal' && fromLine === undefined)
      await rm(folder, { recursive: true, force: true });
    const exit = reportError(new LuthierError(code as LuthierError['code'], message, hint));
    await tellFindings(record);
    return exit;
  }
  // A full disk may have kept the record from being written.
  if (ending?.event === 'error') {
    return reportError(new LuthierError(ending.code as LuthierError['code'], ending.message, ending.hint));
  }
  if (record.state === 'stopped') {
    note('The run was stopped before its first step; there is no model.');
    return EXIT.done;
  }
  if (record.state === 'cancelled') {
    note('The run was discarded; its record and metrics are kept.');
    return EXIT.interrupted;
  }
  const kept = record.step > 0 && (await hasCheckpoint(folder));
  const name = await nameOf(folder);
  const what = interrupted
    ? `Interrupted after step ${record.step}.`
    : `The training process stopped unexpectedly. It had reached step ${record.step}.`;
  note(
    `${what} ${kept ? 'Resume:' : 'There is no checkpoint yet; this starts the run over:'}\n  luthier runs resume ${name}`,
  );
  if (interrupted) return EXIT.interrupted;
  note(`Its last output is in ${join(folder, FILES.log)}.`);
  return EXIT.failed;
}

async function hasCheckpoint(folder: string): Promise<boolean> {
  const { Checkpoints } = await import('../runs/checkpoints.ts');
  return (await new Checkpoints(join(folder, FILES.checkpoints), 1, '').latest()) !== null;
}

/** The run's id where `luthier runs resume` finds it by that, else its folder. */
export async function nameOf(folder: string): Promise<string> {
  const known = await findRunFolders(process.cwd());
  return known.includes(folder) ? basename(folder) : shortPath(folder);
}

async function showResult(folder: string, done: DoneEvent): Promise<void> {
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
  await tellFindings(record);
  if (done.model === '') return note(dim('No model was trained on all rows.'));
  if (done.folds !== undefined) note('The model was trained on all rows; its metrics are those of the folds.');
  if (done.seeds !== undefined && trainings !== null)
    note(`The model, and the evaluation above, are those of seed ${trainings.names[0]}, the recipe’s own.`);
  note(`Model: ${bold(shortPath(done.model))}`);
  const run = await nameOf(folder);
  note(dim(`Try it: luthier ${await tryOut(await readJsonRecord(join(done.model, CONFIG_FILE)), run)}`));
}

/** What the run says about itself, with what to try next. */
async function tellFindings(record: RunRecord): Promise<void> {
  const { findingLines } = await import('./findings.ts');
  for (const line of findingLines(record, shortPath)) note(line);
}

/** How much of the base model is forgotten, in the words of a line. */
export const forgettingText = ({ before, after, tokens }: Forgetting): string =>
  `perplexity ${metricValue('perplexity', after)}, with the base model ${metricValue('perplexity', before)} (${formatChange(before, after)}; ${counted(tokens, 'token')})`;

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
    ...keys.map((key) => (metrics[key] === undefined ? '' : metricValue(key, metrics[key]))),
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

export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' ? '.' : short.startsWith('..') ? path : short;
}

interface Screen {
  begin(step: number, totalSteps: number): void;
  show(event: RunEvent): void;
  /** A line of ours between the run's. */
  say(text: string): void;
  close(): void;
}

/** Every event as it is, one a line; notes are for people, on stderr. */
class JsonScreen implements Screen {
  begin(): void {}
  show(event: RunEvent): void {
    if (event.event === 'note') this.say(event.message);
    else printJson(event);
  }
  say(text: string): void {
    note(text);
  }
  close(): void {}
}

/** Lines that both kinds of terminal show. */
export function lineFor(event: RunEvent, folder: string, task: TaskDescription): string | null {
  const line = plainLine(event, folder, task);
  const prefix = eventPrefix(event);
  return line === null || prefix === null ? line : `${bold(prefix)}  ${line}`;
}

/** Answers to a few validation rows, each beside what the row has. */
function samplesText({ step, samples }: SamplesEvent): string {
  const short = (text: string) => {
    const line = text.replace(/\s+/g, ' ').trim();
    return line.length <= 100 ? line : `${line.slice(0, 99)}…`;
  };
  const who = step === 0 ? 'The base model answers' : `Step ${step} answers`;
  return samples
    .map(
      ({ prompt, reference, answer }) =>
        `${dim(`${short(prompt)}  (${short(reference)})`)}\n  ${who}: ${short(answer)}`,
    )
    .join('\n');
}

/** Whether a training that is not part of a cross-validation holds out so few rows that one would say more. */
function suggestsFolds(event: StartEvent & RunEvent, task: TaskDescription) {
  const { num_train_rows, num_validation_rows } = event;
  const rows = num_train_rows + num_validation_rows;
  return eventPrefix(event) === null && suggestedFolds({ rows, validation_rows: num_validation_rows }, task) !== null;
}

const fewRowsText = ({ num_validation_rows }: StartEvent, row: string): string =>
  `${yellow('Note:')} only ${counted(num_validation_rows, row)} held out for validation, which says little. To measure all of them: luthier train RECIPE --folds ${FEW_ROWS_FOLDS}`;

function plainLine(event: RunEvent, folder: string, task: TaskDescription): string | null {
  const { name, row, label } = task;
  switch (event.event) {
    case 'start': {
      const line = dim(
        `${counted(event.num_train_rows, `training ${row}`)}, ${event.num_validation_rows.toLocaleString('en')} held out for validation${event.labels.length === 0 || name === 'regression' ? '' : `, ${counted(event.labels.length, ...label)}`}; training ${formatCompact(event.num_trainable_parameters)} of ${formatCompact(event.num_parameters)} parameters; ${event.executor}, ${counted(event.num_threads, 'thread')}; run ${shortPath(folder)}`,
      );
      return suggestsFolds(event, task) ? `${line}\n${fewRowsText(event, row)}` : line;
    }
    case 'eval': {
      const what = event.split === 'test' ? 'Test' : `Step ${event.step}, epoch ${event.epoch.toFixed(1)}: validation`;
      return `${what} ${metricLine(event.metrics)}${event.best ? green('  best so far') : ''}`;
    }
    case 'samples':
      return samplesText(event);
    case 'note':
      return event.level === 'warning' ? `${yellow('Warning:')} ${event.message}` : dim(event.message);
    case 'checkpoint':
      return event.reason === 'pause' || event.reason === 'interrupt'
        ? dim(`Checkpoint at step ${event.step}, ${formatBytes(event.bytes)}`)
        : null;
    case 'state':
      return event.state === 'paused' ? 'Paused.' : null;
    default:
      return null;
  }
}

/** Plain lines, a step's about every ten seconds. */
class LineScreen implements Screen {
  readonly #folder: string;
  readonly #task: TaskDescription;
  #total = 0;
  #next = 0;
  #lossOf: StartEvent['loss_of'];

  constructor(folder: string, task: TaskDescription) {
    this.#folder = folder;
    this.#task = task;
  }

  begin(_step: number, totalSteps: number): void {
    this.#total = totalSteps;
  }

  show(event: RunEvent): void {
    if (event.event === 'start') {
      this.begin(event.step, event.total_steps);
      this.#lossOf = event.loss_of;
    }
    const line = event.event === 'step' ? this.#stepLine(event) : lineFor(event, this.#folder, this.#task);
    if (line !== null) note(line);
  }

  #stepLine(event: StepEvent & Pick<RunEvent, 'fold' | 'seed'>): string | null {
    if (event.time < this.#next && event.step !== this.#total) return null;
    this.#next = event.time + 10;
    const prefix = eventPrefix(event);
    return `${prefix === null ? '' : `${prefix}  `}Step ${event.step} of ${this.#total}  ${stepDetails(event, this.#lossOf)}${event.eta_s === null ? '' : `  ${duration(event.eta_s)} left`}`;
  }

  say(text: string): void {
    note(text);
  }
  close(): void {}
}

const stepDetails = (event: StepEvent, lossOf: StartEvent['loss_of']): string =>
  `${lossOf === 'pairs' ? 'loss of pairs' : 'loss'} ${event.loss.toFixed(4)}  ${Math.round(event.tokens_per_second).toLocaleString('en')} tokens/s`;

/** A bar at the bottom, lines above it. */
class BarScreen implements Screen {
  readonly #folder: string;
  readonly #task: TaskDescription;
  readonly #bars: MultiBar;
  #bar: SingleBar | null = null;
  #lossOf: StartEvent['loss_of'];

  constructor(folder: string, task: TaskDescription) {
    this.#folder = folder;
    this.#task = task;
    this.#bars = new MultiBar({
      format: '{bar} {percentage}%  step {value}/{total}  {details}',
      barCompleteChar: '━',
      barIncompleteChar: '─',
      barsize: Math.max(8, Math.min(24, (process.stderr.columns ?? 88) - 64)),
      hideCursor: true,
      fps: 10,
      stopOnComplete: false,
      clearOnComplete: true,
      gracefulExit: false,
      stream: process.stderr,
    });
  }

  begin(step: number, totalSteps: number): void {
    this.#bar ??= this.#bars.create(totalSteps, step, { details: '…' });
    // Each of several trainings begins anew.
    this.#bar.setTotal(totalSteps);
    this.#bar.update(step);
  }

  show(event: RunEvent): void {
    const line = lineFor(event, this.#folder, this.#task);
    if (line !== null) this.say(line);
    if (event.event === 'start') {
      this.begin(event.step, event.total_steps);
      this.#lossOf = event.loss_of;
    }
    if (event.event === 'step') {
      const left = event.eta_s === null ? '' : `  ${duration(event.eta_s)} left`;
      this.#bar?.update(event.step, { details: `${stepDetails(event, this.#lossOf)}${left}` });
    }
  }

  say(text: string): void {
    // Without a bar on the screen there is nothing to write above.
    if (this.#bar === null) note(text);
    else this.#bars.log(`${wrapped(forTerminal(text), process.stderr)}\n`);
  }

  close(): void {
    this.#bars.update();
    this.#bars.stop();
  }
}
