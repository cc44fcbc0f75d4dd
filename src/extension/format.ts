import { isPercentage } from '../protocol/index.ts';

/** Figures as people read them in trees, the status bar and notifications. */

/** Seconds as `45 s`, `3 min`, `2 h 05 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 90) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** Shares as percent; the rest (loss, MCC) as a number. */
export function formatMetric(key: string, value: number): string {
  return isPercentage(key) ? `${(100 * value).toFixed(1)} %` : value.toFixed(3);
}

/** Text cut to `length` characters with an ellipsis, on one line. */
export function shorten(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const characters = [...line];
  return characters.length <= length ? line : `${characters.slice(0, length - 1).join('')}…`;
}
