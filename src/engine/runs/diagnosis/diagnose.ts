import {
  allowsFolds,
  type EvaluationReport,
  FEW_ROWS_HINT,
  type Finding,
  fewRowsNote,
  inFewerBits,
  type RunRecord,
  type StartEvent,
  taskNameOf,
  taskOf,
} from '../../../protocol/index.ts';
import type { MetricsLine } from '../../../runs/metrics.ts';
import type { Case, LabelCounts } from './case.ts';
import { classFindings } from './classes.ts';
import { fitFinding } from './fit.ts';
import { trainingsOf } from './history.ts';
import { learningRateFinding } from './learning-rate.ts';

export interface Finished {
  record: Pick<RunRecord, 'state' | 'recipe' | 'error' | 'best' | 'folds' | 'frozen_bits' | 'step'>;
  /** Its log, as it stands in the file. */
  events: readonly MetricsLine[];
  reports: readonly EvaluationReport[];
  /** Null where the rows are not at hand, as of a run that failed. */
  labels: LabelCounts | null;
}

/**
 * What a finished run says about itself, the most important first: each finding with the figures behind it, and the one
 * change to try next. It never says more than was measured: of fewer than 30 held-out rows nothing about the fit.
 * Only the first change of the recipe is offered, as the next run shows what the others are worth.
 */
export function diagnose({ record, events, reports, labels }: Finished): Finding[] {
  const start = startOf(events);
  const known: Case = {
    record,
    task: taskOf(taskNameOf(record.recipe)),
    trainings: trainingsOf(events),
    report: reports.find(({ split }) => split === 'validation'),
    labels,
    rows: labels?.rows ?? start?.num_train_rows ?? 0,
    parameters: start?.num_parameters ?? 0,
  };
  const hasFailed = record.error !== null;
  const learning = learningRateFinding(known) ?? (hasFailed ? null : fitFinding(known));
  const findings = [learning, ...(hasFailed ? [] : [...classFindings(known), fewHeldOut(known), fewerBits(record)])];
  return withOneChange(findings.filter((finding) => finding !== null));
}

function startOf(events: readonly MetricsLine[]): StartEvent | undefined {
  const event = events.findLast(({ event }) => event.event === 'start')?.event;
  return event?.event === 'start' ? event : undefined;
}

function fewHeldOut({ record, task, report, rows }: Case): Finding | null {
  if (report === undefined || record.folds !== undefined) return null;
  const few = fewRowsNote(report.n, task.row);
  if (few === null) return null;
  const mayFold = allowsFolds({ rows: rows + report.n, validation_rows: report.n });
  return {
    code: 'few-held-out',
    severity: 'info',
    title: few,
    text: `So few ${task.row}s do not show whether the model learned too little or too much. ${FEW_ROWS_HINT}`,
    figures: { rows: report.n },
    ...(mayFold && { change: { kind: 'folds', title: 'Cross-Validate…' } }),
  };
}

const fewerBits = ({ frozen_bits: bits }: Finished['record']): Finding | null =>
  bits === undefined ? null : inFewerBits(bits);

function withOneChange(findings: readonly Finding[]): Finding[] {
  let isTaken = false;
  return findings.map((finding) => {
    if (finding.change?.kind !== 'recipe') return finding;
    const { change: _, ...without } = finding;
    if (isTaken) return without;
    isTaken = true;
    return finding;
  });
}
