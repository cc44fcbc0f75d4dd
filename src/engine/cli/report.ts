import { join } from 'node:path';
import { readOwnFile } from '../../guard/index.ts';
import { type EvaluationReport, parseReport, type Split } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { formatReport } from '../evaluate/format.ts';
import { errnoOf } from '../hub/write-file.ts';
import { FILES } from '../runs/folder.ts';
import { bold, note, print, yellow } from './output.ts';

const MAX_WIDTH = 120;
const MAX_BYTES = 64 << 20;

export function printReport(report: EvaluationReport): void {
  print(formatReport(report, Math.min(process.stdout.columns ?? 100, MAX_WIDTH)));
}

/** A run's reports, validation first. */
export async function printReports(folder: string): Promise<void> {
  let reports: EvaluationReport[];
  try {
    reports = await readReports(folder);
  } catch (error) {
    const why = error instanceof SyntaxError ? 'it is not complete JSON' : (error as Error).message.replace(/\.$/, '');
    return note(`${yellow('Broken:')} ${FILES.evaluation} cannot be read: ${why}.`);
  }
  for (const report of reports) {
    print(bold(report.split === 'test' ? '\nTest rows' : '\nValidation rows'));
    printReport(report);
  }
}

/** @throws LuthierError `run-invalid` when evaluation.json is none */
export async function readReports(folder: string): Promise<EvaluationReport[]> {
  const path = join(folder, FILES.evaluation);
  let reports: Partial<Record<Split, EvaluationReport>>;
  try {
    const value: unknown = JSON.parse((await readOwnFile(path, MAX_BYTES)).toString('utf8'));
    reports = typeof value === 'object' && value !== null ? value : {};
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    const why =
      error instanceof SyntaxError ? 'it is not JSON' : error instanceof Error ? error.message : String(error);
    throw new LuthierError('run-invalid', `${path} cannot be read: ${why}.`, undefined, { cause: error });
  }
  const found = [reports.validation, reports.test].filter((report) => report !== undefined);
  return found.map((report) => {
    const parsed = parseReport(report);
    if (!parsed.ok) throw new LuthierError('run-invalid', `${path} is not a run's evaluation: ${parsed.reason}.`);
    return parsed.message;
  });
}
