import { join } from 'node:path';
import { readOwnJson } from '../files/json.ts';
import { type CompletionReport, type EvaluationReport, parseCompletionReport, parseReport } from '../protocol/index.ts';
import { FILES } from './folder.ts';

/** Far above any evaluation's; that of 1,000 classes has 12 MB. */
const MAX_BYTES = 64 << 20;

/** What a run's evaluation.json holds: none where it is missing; what is there and cannot be read is told in a sentence. */
export async function readReports(folder: string): Promise<{ reports: EvaluationReport[]; problems: string[] }> {
  const problems: string[] = [];
  try {
    const value = await readOwnJson(join(folder, FILES.evaluation), MAX_BYTES);
    return { reports: value === undefined ? [] : parseReports(value, problems), problems };
  } catch (error) {
    return { reports: [], problems: [`${FILES.evaluation} cannot be read: ${(error as Error).message}`] };
  }
}

/** How a run's model completes held-out files: null where that was not measured, or cannot be read, which is told. */
export async function readCompletions(
  folder: string,
): Promise<{ completions: CompletionReport | null; problems: string[] }> {
  const name = FILES.completions;
  try {
    const value = await readOwnJson(join(folder, name), MAX_BYTES);
    if (value === undefined) return { completions: null, problems: [] };
    if (((value as Partial<CompletionReport> | null)?.format ?? 0) > 1)
      return { completions: null, problems: [`${name} was written by a newer version of Luthier.`] };
    const parsed = parseCompletionReport(value);
    return parsed.ok
      ? { completions: parsed.message, problems: [] }
      : { completions: null, problems: [`${name} is not a measurement of completions: ${parsed.reason}.`] };
  } catch (error) {
    return { completions: null, problems: [`${name} cannot be read: ${(error as Error).message}`] };
  }
}

/** Its reports, whether it lists them or names each by its part. What is none is named. */
export function parseReports(value: unknown, problems: string[] = []): EvaluationReport[] {
  const isObject = (item: unknown): item is object => typeof item === 'object' && item !== null;
  if (!isObject(value)) {
    problems.push(`${FILES.evaluation} does not contain an evaluation.`);
    return [];
  }
  const list: unknown[] = Array.isArray(value) ? value : 'split' in value ? [value] : Object.values(value);
  return list.flat().flatMap((report): EvaluationReport[] => {
    const parsed = parseReport(report);
    if (parsed.ok) return [parsed.message];
    if (isObject(report)) problems.push(`${FILES.evaluation} is not an evaluation: ${parsed.reason}.`);
    return [];
  });
}
