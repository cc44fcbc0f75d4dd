import { join } from 'node:path';
import { readOwnFile } from '../../guard/index.ts';
import type { ClassificationReport } from '../../protocol/index.ts';
import { formatReport } from '../evaluate/format.ts';
import { errnoOf } from '../hub/write-file.ts';
import { FILES } from '../runs/folder.ts';
import { bold, print } from './output.ts';

const MAX_WIDTH = 120;
const MAX_BYTES = 64 << 20;

export function printReport(report: ClassificationReport): void {
  print(formatReport(report, Math.min(process.stdout.columns ?? 100, MAX_WIDTH)));
}

/** A run's reports, validation first. */
export async function printReports(folder: string): Promise<void> {
  for (const report of await readReports(folder)) {
    print(bold(report.split === 'test' ? '\nTest part' : '\nValidation part'));
    printReport(report);
  }
}

export async function readReports(folder: string): Promise<ClassificationReport[]> {
  try {
    const text = (await readOwnFile(join(folder, FILES.evaluation), MAX_BYTES)).toString('utf8');
    const reports = JSON.parse(text) as Partial<Record<ClassificationReport['split'], ClassificationReport>>;
    return [reports.validation, reports.test].filter((report) => report !== undefined);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
