import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { listFolder } from '../../files/folders.ts';
import { readOwnJson } from '../../files/json.ts';
import { slug, uniqueName } from '../../files/names.ts';
import { writeJson } from '../../files/write-file.ts';
import { homeProblem, placeProblem } from '../../guard/index.ts';
import {
  type EvaluationReport,
  type FileEvaluation,
  parseFileEvaluation,
  parseReport,
  type RunSnapshot,
  withTask,
} from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { readCompletions, readReports } from '../../runs/reports.ts';
import { requireNone } from './errors.ts';

/** What a run's model was measured on; what is there and cannot be read is told with its reason. */
export interface Evaluations {
  reports: EvaluationReport[];
  evaluations: FileEvaluation[];
  problems: string[];
}

/** Everything that was measured with the model of a run's folder; files the latest first. */
export async function readEvaluations(folder: string): Promise<Evaluations> {
  const { reports, problems } = await readReports(folder);
  const evaluations: FileEvaluation[] = [];
  for (const entry of await listFolder(join(folder, FILES.evaluations))) {
    if (!entry.name.endsWith('.json')) continue;
    const value = await readOr(problems, join(folder, FILES.evaluations, entry.name));
    if (value === undefined) continue;
    const { format } = value as Partial<FileEvaluation>;
    const evaluation = { ...(value as object), report: withTask((value as Partial<FileEvaluation>).report) };
    const parsed = parseFileEvaluation(evaluation);
    const fitting = parsed.ok ? parseReport(parsed.message.report) : parsed;
    if (typeof format === 'number' && format > 1)
      problems.push(`${FILES.evaluations}/${entry.name} was written by a newer version of Luthier.`);
    else if (parsed.ok && fitting.ok) evaluations.push({ ...parsed.message, name: entry.name.replace(/\.json$/, '') });
    else if (!fitting.ok) problems.push(`${FILES.evaluations}/${entry.name} is not an evaluation: ${fitting.reason}.`);
  }
  evaluations.sort((a, b) => Number(a.evaluated_at < b.evaluated_at) - Number(a.evaluated_at > b.evaluated_at));
  return { reports, evaluations, problems };
}

/** All that was measured with the model of a run's folder, as its page is told. */
export async function readMeasured(
  folder: string,
): Promise<Pick<RunSnapshot, 'reports' | 'evaluations' | 'report_problems' | 'completions'>> {
  const { reports, evaluations, problems } = await readEvaluations(folder);
  const { completions, problems: further } = await readCompletions(folder);
  return { reports, evaluations, report_problems: [...problems, ...further], completions };
}

async function readOr(problems: string[], path: string): Promise<unknown> {
  try {
    return await readOwnJson(path);
  } catch (error) {
    problems.push(`${basename(path)} cannot be read: ${(error as Error).message}`);
    return undefined;
  }
}

/**
 * Keeps what a run's model came to on a file, in the run's folder; one of the same file takes an earlier one's place.
 * @returns as kept
 */
export async function saveEvaluation(folder: string, file: string, report: EvaluationReport): Promise<FileEvaluation> {
  const problem = (await placeProblem(folder)) ?? (await homeProblem(folder, FILES.evaluations));
  requireNone(problem, 'The evaluation was not kept');
  const { evaluations } = await readEvaluations(folder);
  const taken = (await listFolder(join(folder, FILES.evaluations))).map(({ name }) => name.replace(/\.json$/, ''));
  const name = evaluations.find((earlier) => earlier.file === file)?.name ?? uniqueName(slug(basename(file)), taken);
  const evaluation: FileEvaluation = {
    format: 1,
    name,
    title: basename(file),
    file,
    evaluated_at: new Date().toISOString(),
    report,
  };
  await mkdir(join(folder, FILES.evaluations), { recursive: true });
  await writeJson(join(folder, FILES.evaluations, `${name}.json`), evaluation);
  return evaluation;
}
