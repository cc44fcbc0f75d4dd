import type { EvaluationReport } from '../../protocol/index.ts';
import { readReports } from '../../runs/reports.ts';
import { taskNamed } from '../tasks/registry.ts';
import { bold, note, print, yellow } from './output.ts';

const MAX_WIDTH = 120;

export function printReport(report: EvaluationReport): void {
  print(taskNamed(report.task).format(report, Math.min(process.stdout.columns ?? 100, MAX_WIDTH)));
}

/** A run's reports, validation first. */
export async function printReports(folder: string): Promise<void> {
  const { reports, problems } = await readReports(folder);
  for (const problem of problems) note(`${yellow('Broken:')} ${problem}`);
  for (const report of reports) {
    print(bold(report.split === 'test' ? '\nTest rows' : '\nValidation rows'));
    printReport(report);
  }
}
