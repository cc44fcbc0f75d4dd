import { MultiBar, type SingleBar } from 'cli-progress';
import {
  afterLastStep,
  counted,
  eventPrefix,
  FEW_ROWS_FOLDS,
  formatBytes,
  formatCompact,
  formatMetric,
  type RunEvent,
  type SamplesEvent,
  type StartEvent,
  type StepEvent,
  suggestedFolds,
  type TaskDescription,
} from '../../protocol/index.ts';
import { bold, dim, duration, forTerminal, green, metricLine, note, printJson, wrapped, yellow } from './output.ts';
import { shortPath } from './run-names.ts';

/** Where a run's events are shown. */
export interface Screen {
  begin(step: number, totalSteps: number): void;
  show(event: RunEvent): void;
  /** A line of ours between the run's. */
  say(text: string): void;
  close(): void;
}

/** The run whose events are shown. */
export interface Shown {
  folder: string;
  task: TaskDescription;
  /** The command that trains its recipe again. */
  train: string;
}

/** As whoever reads it wants it: a line of JSON for each event, a bar in a terminal, else lines. */
export function screenFor(about: Shown, { json }: { json: boolean }): Screen {
  if (json) return new JsonScreen();
  return process.stderr.isTTY ? new BarScreen(about) : new LineScreen(about);
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
export function lineFor(event: RunEvent, about: Shown): string | null {
  const line = plainLine(event, about);
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

/** Whether a training that begins and is not part of a cross-validation holds out so few rows that one would say more. */
function suggestsFolds(event: StartEvent & RunEvent, task: TaskDescription) {
  const { num_train_rows, num_validation_rows } = event;
  const rows = num_train_rows + num_validation_rows;
  return (
    event.step === 0 &&
    eventPrefix(event) === null &&
    suggestedFolds({ rows, validation_rows: num_validation_rows }, task) !== null
  );
}

const fewRowsText = ({ num_validation_rows }: StartEvent, row: string, train: string): string =>
  `${yellow('Note:')} only ${counted(num_validation_rows, row)} held out for validation, which says little. To measure all of them: ${train} --folds ${FEW_ROWS_FOLDS}`;

function plainLine(event: RunEvent, { folder, task, train }: Shown): string | null {
  const { name, row, label } = task;
  switch (event.event) {
    case 'start': {
      const line = dim(
        `${counted(event.num_train_rows, `training ${row}`)}, ${event.num_validation_rows.toLocaleString('en')} held out for validation${event.labels.length === 0 || name === 'regression' ? '' : `, ${counted(event.labels.length, ...label)}`}; training ${formatCompact(event.num_trainable_parameters)} of ${formatCompact(event.num_parameters)} parameters; ${event.executor}, ${counted(event.num_threads, 'thread')}; run ${shortPath(folder)}${event.step > 0 ? `; resumes after step ${event.step}` : ''}`,
      );
      return suggestsFolds(event, task) ? `${line}\n${fewRowsText(event, row, train)}` : line;
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
  readonly #about: Shown;
  #total = 0;
  #next = 0;
  #start: StartEvent | null = null;

  constructor(about: Shown) {
    this.#about = about;
  }

  begin(_step: number, totalSteps: number): void {
    this.#total = totalSteps;
  }

  show(event: RunEvent): void {
    if (event.event === 'start') {
      this.begin(event.step, event.total_steps);
      this.#start = event;
    }
    const line = event.event === 'step' ? this.#stepLine(event) : lineFor(event, this.#about);
    if (line !== null) note(line);
  }

  #stepLine(event: StepEvent & Pick<RunEvent, 'fold' | 'seed'>): string | null {
    if (event.time < this.#next && event.step !== this.#total) return null;
    this.#next = event.time + 10;
    const prefix = eventPrefix(event);
    return `${prefix === null ? '' : `${prefix}  `}Step ${event.step} of ${this.#total}  ${stepDetails(event, this.#start)}`;
  }

  say(text: string): void {
    note(text);
  }
  close(): void {}
}

/** Loss, speed, and what is left. @param start of the training: what its losses are of, and how many steps it has */
function stepDetails(event: StepEvent & RunEvent, start: StartEvent | null): string {
  const { loss_of, pretraining, total_steps, num_validation_rows = 0 } = start ?? {};
  const loss =
    event.step <= (pretraining?.steps ?? 0) ? 'pre-training, loss' : loss_of === 'pairs' ? 'loss of pairs' : 'loss';
  const left =
    event.step === total_steps
      ? afterLastStep(num_validation_rows, eventPrefix(event) !== null)
      : event.eta_s === null
        ? null
        : `${duration(event.eta_s)} left`;
  return `${loss} ${formatMetric('loss', event.loss)}  ${Math.round(event.tokens_per_second).toLocaleString('en')} tokens/s${left === null ? '' : `  ${left}`}`;
}

/** A bar at the bottom, lines above it. */
class BarScreen implements Screen {
  readonly #about: Shown;
  readonly #bars: MultiBar;
  #bar: SingleBar | null = null;
  #start: StartEvent | null = null;

  constructor(about: Shown) {
    this.#about = about;
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
    const line = lineFor(event, this.#about);
    if (line !== null) this.say(line);
    if (event.event === 'start') {
      this.begin(event.step, event.total_steps);
      this.#start = event;
    }
    if (event.event === 'step') this.#bar?.update(event.step, { details: stepDetails(event, this.#start) });
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
