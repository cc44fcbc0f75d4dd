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

const OURS = /^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] /;

/** Of a log's text what its process printed by itself: the driver's or Node's last words. */
export const printedIn = (log: string): string =>
  log
    .split('\n')
    .filter((line) => !OURS.test(line))
    .join('\n');

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
      return `State: ${STATE_WORDS[event.state]}`;
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
