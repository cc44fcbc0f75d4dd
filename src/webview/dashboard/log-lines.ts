import type { RunEvent } from '../../protocol/events.ts';
import { type RunState, STATE_WORDS } from '../../protocol/states.ts';
import { eventPrefix } from '../../protocol/trainings.ts';
import { bytes, capital, count, duration, metric, metricInText, plural } from '../shared/format.ts';

/** One line of the log view. */
export interface LogLine {
  time: number;
  level: 'info' | 'warning' | 'error';
  /** A codicon's name. */
  icon: string;
  step: number | null;
  text: string;
}

interface ShownState {
  icon: string;
  words: string;
  tone: 'busy' | 'good' | 'bad' | 'idle';
}

const STATES: Readonly<Record<RunState, Omit<ShownState, 'words'>>> = {
  queued: { icon: 'clock', tone: 'idle' },
  starting: { icon: 'loading', tone: 'busy' },
  running: { icon: 'sync', tone: 'busy' },
  paused: { icon: 'debug-pause', tone: 'idle' },
  stopping: { icon: 'loading', tone: 'busy' },
  done: { icon: 'pass-filled', tone: 'good' },
  stopped: { icon: 'debug-stop', tone: 'good' },
  cancelled: { icon: 'circle-slash', tone: 'idle' },
  failed: { icon: 'error', tone: 'bad' },
  interrupted: { icon: 'debug-disconnect', tone: 'bad' },
};

/** How a state is shown; one that a newer version wrote is shown by its name. */
export const shownState = (state: string): ShownState =>
  Object.hasOwn(STATES, state)
    ? { ...STATES[state as RunState], words: capital(STATE_WORDS[state as RunState]) }
    : { icon: 'circle-outline', tone: 'idle', words: state };

const REASONS: Readonly<Record<string, string>> = {
  epoch: 'end of an epoch',
  save_steps: 'save_steps',
  interval: 'five minutes passed',
  pause: 'pause',
  interrupt: 'interrupted',
  best: 'best so far',
};

const metricsText = (metrics: Readonly<Record<string, number>>): string =>
  Object.entries(metrics)
    // A figure and its unit stay on one line.
    .map(([key, value]) => `${metricInText(key)} ${metric(key, value).replace(' %', '\u00a0%')}`)
    .join(', ');

/** The line for an event, with the fold or seed whose it is; null for those that the charts tell better. */
export const logLine = (event: RunEvent, row = 'row'): LogLine | null => {
  const line = lineOf(event, row);
  const prefix = eventPrefix(event);
  return line === null || prefix === null ? line : { ...line, text: `${prefix}: ${line.text}` };
};

const lineOf = (event: RunEvent, row: string): LogLine | null => {
  const at = { time: event.time, level: 'info' as const };
  switch (event.event) {
    case 'step':
    case 'samples':
    // A note tells how.
    case 'solved':
      return null;
    case 'start':
      return {
        ...at,
        icon: 'play',
        step: event.step,
        text:
          `${event.step > 0 ? `Resumed at step ${count(event.step)}` : 'Started'}: ` +
          `${plural(event.num_train_rows, `training ${row}`)}, ${count(event.num_validation_rows)} held out for validation, ` +
          `${event.num_trainable_parameters === event.num_parameters ? 'all' : `${count(event.num_trainable_parameters)} of`} ` +
          `${plural(event.num_parameters, 'parameter')} trained, ` +
          `${event.executor} on ${plural(event.num_threads, 'thread')}`,
      };
    case 'eval':
      return {
        ...at,
        icon: event.best ? 'star-full' : 'graph',
        step: event.step,
        text: `${event.split === 'validation' ? 'Validation' : event.split === 'test' ? 'Test' : 'Training'}${event.best ? ' (best so far)' : ''}, ${plural(event.n, row)}: ${metricsText(event.metrics)}`,
      };
    case 'checkpoint':
      return {
        ...at,
        icon: 'save',
        step: event.step,
        text: `Checkpoint of ${bytes(event.bytes)} (${REASONS[event.reason] ?? event.reason}): ${event.path.split(/[\\/]/).at(-1)}`,
      };
    case 'note':
      return {
        ...at,
        level: event.level,
        icon: event.level === 'warning' ? 'warning' : 'info',
        step: event.step ?? null,
        text: event.message,
      };
    case 'state':
      return {
        ...at,
        icon: shownState(event.state).icon,
        step: null,
        text: shownState(event.state).words,
      };
    case 'done': {
      const { folds, seeds } = event;
      const several = folds ? plural(folds.length, 'fold') : seeds ? plural(seeds.length, 'seed') : null;
      return {
        ...at,
        icon: 'pass',
        step: event.step,
        text:
          `${event.stopped_early ? 'Ended early' : 'Ended'} after ${duration(event.wall_s)}; ` +
          `${several ? `mean of ${several}: ${metricsText(event.metrics)}` : `the model is from step ${count(event.best_step)}`}, ` +
          `peak memory ${bytes(event.peak_rss_bytes)}`,
      };
    }
    case 'error':
      return {
        ...at,
        level: 'error',
        icon: 'error',
        step: null,
        text: event.hint ? `${event.message} ${event.hint}` : event.message,
      };
  }
};
