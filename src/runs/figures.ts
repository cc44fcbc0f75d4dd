import { HEADLINES, type MetricKey, type Metrics, type RunRecord } from '../protocol/index.ts';

/** Metric that decides which weights are best, with its value, or null before the first evaluation. */
export const bestMetric = (record: RunRecord): { key: MetricKey; value: number } | null =>
  record.best ? decisiveMetric(record, record.best.metrics) : null;

/** Of a run's metrics the one that decides which weights are best. */
export function decisiveMetric(record: RunRecord, metrics: Metrics): { key: MetricKey; value: number } | null {
  const wanted = record.recipe.metric_for_best_model;
  const key = wanted && wanted !== 'loss' && metrics[wanted] !== undefined ? wanted : firstOf(metrics);
  const value = key ? metrics[key] : undefined;
  return key && value !== undefined ? { key, value } : null;
}

function firstOf(metrics: Metrics): keyof Metrics | null {
  return HEADLINES.find((key) => metrics[key] !== undefined) ?? null;
}

/** Name of the dataset that a run is on, as the tree groups by it: the file's name or the dataset's. */
export function datasetName(record: RunRecord): string {
  const reference = record.recipe.dataset as unknown;
  const file =
    typeof reference === 'string'
      ? reference
      : typeof reference === 'object' && reference !== null && 'train' in reference
        ? String(reference.train)
        : '';
  const parts = file.split(/[\\/]/).filter(Boolean);
  return parts.at(-1) ?? 'unknown data';
}
