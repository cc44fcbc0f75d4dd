import { visibleLine } from '../guard/index.ts';
import {
  counted,
  eventPrefix,
  formatBytes,
  formatCount,
  formatMetric,
  inOneLine,
  type MetricKey,
  metricName,
  type RunEvent,
  type RunState,
  STATE_WORDS,
} from '../protocol/index.ts';

/**
 * The line of a run's log for an event, beside what its process prints otherwise; null for what is in metrics.jsonl alone
 * (steps, answers to rows).
 */
export function runLogLine(event: RunEvent): string | null {
  const text = textOf(event);
  if (text === null) return null;
  const prefix = eventPrefix(event);
  return `[${new Date(event.time * 1000).toISOString()}] ${visibleLine(prefix === null ? text : `${prefix}: ${text}`)}`;
}

const stateText = (state: RunState): string => `State: ${STATE_WORDS[state]}`;

const OURS = /^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] /;

/** Of a log's text what its process printed by itself: the driver's or Node's last words. */
export const printedIn = (log: string): string =>
  log
    .split('\n')
    .filter((line) => !OURS.test(line))
    .join('\n');

/** The same of the process before the one that has begun and told its state: what earlier ones printed is no word of its end. */
export function printedBefore(log: string): string {
  const processes = log.split(STARTING);
  return printedIn(processes.at(-2) ?? log);
}

/** A line with which a process begins. */
const STARTING = new RegExp(`${OURS.source}${stateText('starting')}$`, 'm');

function textOf(event: RunEvent): string | null {
  switch (event.event) {
    case 'start':
      return `${event.step > 0 ? `Resumed after step ${event.step}` : 'Started'}: ${counted(event.num_train_rows, 'training row')}, ${formatCount(event.num_validation_rows)} held out for validation, ${counted(event.total_steps, 'step')}, ${event.executor} on ${counted(event.num_threads, 'thread')}`;
    case 'note':
      return event.level === 'warning' ? `Warning: ${event.message}` : event.message;
    case 'eval':
      return `Step ${event.step}: ${event.split} ${metricsText(event.metrics)}${event.best ? ' (best so far)' : ''}`;
    case 'checkpoint':
      return `Checkpoint at step ${event.step}, ${formatBytes(event.bytes)}`;
    case 'state':
      return stateText(event.state);
    case 'error':
      return `Error: ${inOneLine(event)}`;
    case 'done':
      return `Ended after step ${event.step}; the weights are from step ${event.best_step}: ${metricsText(event.metrics)}`;
    default:
      return null;
  }
}

const metricsText = (metrics: Readonly<Partial<Record<MetricKey, number>>>): string =>
  Object.entries(metrics)
    .map(([key, value]) => `${metricName(key)} ${formatMetric(key, value)}`)
    .join(', ');
