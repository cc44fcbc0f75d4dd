import type { RunEvent, RunState } from '../../protocol/events.ts';
import { bytes, count, duration, metric, metricInText, plural } from '../shared/format.ts';

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

const STATES: Readonly<Record<RunState, ShownState>> = {
  queued: { icon: 'clock', words: 'Queued', tone: 'idle' },
  starting: { icon: 'loading', words: 'Starting', tone: 'busy' },
  running: { icon: 'sync', words: 'Running', tone: 'busy' },
  paused: { icon: 'debug-pause', words: 'Paused', tone: 'idle' },
  stopping: { icon: 'loading', words: 'Stopping', tone: 'busy' },
  done: { icon: 'pass-filled', words: 'Done', tone: 'good' },
  stopped: { icon: 'debug-stop', words: 'Stopped', tone: 'good' },
  cancelled: { icon: 'circle-slash', words: 'Cancelled', tone: 'idle' },
  failed: { icon: 'error', words: 'Failed', tone: 'bad' },
  interrupted: { icon: 'debug-disconnect', words: 'Interrupted', tone: 'bad' },
};

/** How a state is shown; one that a newer version wrote is shown by its name. */
export const shownState = (state: string): ShownState =>
  (STATES as Readonly<Record<string, ShownState | undefined>>)[state] ?? {
    icon: 'circle-outline',
    words: state,
    tone: 'idle',
  };

const REASONS: Readonly<Record<string, string>> = {
  epoch: 'end of an epoch',
  save_steps: 'save_steps',
  interval: 'five minutes passed',
  pause: 'pause',
  interrupt: 'interrupted',
  best: 'best so far',
};

export const metricsText = (metrics: Readonly<Record<string, number>>): string =>
  Object.entries(metrics)
    // A figure and its unit stay on one line.
    .map(([key, value]) => `${metricInText(key)} ${metric(key, value).replace(' %', '\u00a0%')}`)
    .join(', ');

/** The line for an event; null for those that the charts tell better. */
export const logLine = (event: RunEvent): LogLine | null => {
  const at = { time: event.time, level: 'info' as const };
  switch (event.event) {
    case 'step':
      return null;
    case 'start':
      return {
        ...at,
        icon: 'play',
        step: event.step,
        text:
          `${event.step > 0 ? `Resumed at step ${count(event.step)}` : 'Started'}: ` +
          `${plural(event.num_train_rows, 'training row')}, ${plural(event.num_validation_rows, 'validation row')}, ` +
          `${event.num_trainable_parameters === event.num_parameters ? 'all' : `${count(event.num_trainable_parameters)} of`} ` +
          `${plural(event.num_parameters, 'parameter')} trained, ` +
          `${event.executor} on ${plural(event.num_threads, 'thread')}`,
      };
    case 'eval':
      return {
        ...at,
        icon: event.best ? 'star-full' : 'graph',
        step: event.step,
        text: `${event.split === 'validation' ? 'Validation' : event.split === 'test' ? 'Test' : 'Training rows'}${event.best ? ' (best so far)' : ''}: ${metricsText(event.metrics)}`,
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
        step: null,
        text: event.message,
      };
    case 'state':
      return {
        ...at,
        icon: shownState(event.state).icon,
        step: null,
        text: shownState(event.state).words,
      };
    case 'done':
      return {
        ...at,
        icon: 'pass',
        step: event.step,
        text:
          `${event.stopped_early ? 'Ended early' : 'Ended'} after ${duration(event.wall_s)}; ` +
          `the model is from step ${count(event.best_step)}, peak memory ${bytes(event.peak_rss_bytes)}`,
      };
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
