import { type EvaluationReport, FEWEST_ROWS_FOR_INTERVALS, type FileEvaluation } from '../../protocol/evaluation.ts';
import { type MetricKey, metricOf } from '../../protocol/metrics.ts';
import { interval } from '../shared/format.ts';
import type { RunView } from './store.ts';

const SPLIT_NAMES: Readonly<Record<string, string>> = {
  train: 'Training rows',
  validation: 'Validation',
  test: 'Test',
};

/** A report with the name that it is chosen by: of a part of the run's own data, or of a file that a person named. */
export interface NamedReport {
  key: string;
  title: string;
  report: EvaluationReport;
  /** Null for a part of the run's own data. */
  evaluation: FileEvaluation | null;
}

/** All that was measured with a run's model: the run's own parts, then files, the latest first. */
export const reportsOf = (run: Pick<RunView, 'reports' | 'evaluations'>): NamedReport[] => [
  ...run.reports.map((report) => ({
    key: report.split,
    title: SPLIT_NAMES[report.split] ?? report.split,
    report,
    evaluation: null,
  })),
  ...run.evaluations.map((evaluation) => ({
    key: `file:${evaluation.name}`,
    title: evaluation.title,
    report: evaluation.report,
    evaluation,
  })),
];

/** The report that is shown: the chosen one, else validation's, else the first. */
export const shownReport = (run: RunView, key: string | null): NamedReport | undefined => {
  const reports = reportsOf(run);
  return reports.find((r) => r.key === key) ?? reports.find((r) => r.key === 'validation') ?? reports[0];
};

/** A metric's interval in words; empty where it never has one. */
export const intervalText = ({ intervals, n }: EvaluationReport, key: MetricKey): string => {
  const range = intervals[key];
  if (range) return interval(key, range);
  return metricOf(key)?.interval && n < FEWEST_ROWS_FOR_INTERVALS ? 'too few rows' : '';
};
