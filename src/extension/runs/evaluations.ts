import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { homeProblem, placeProblem } from '../../guard/index.ts';
import {
  type EvaluationReport,
  type FileEvaluation,
  parseFileEvaluation,
  parseReport,
  withTask,
} from '../../protocol/index.ts';
import { slug, uniqueName } from '../datasets/names.ts';
import { HostError } from '../errors.ts';
import { listFolder, readOwnJson, writeFileAtomic } from '../files.ts';

/** What a run's model was measured on; what is there and cannot be read is told with its reason. */
export interface Evaluations {
  reports: EvaluationReport[];
  evaluations: FileEvaluation[];
  problems: string[];
}

const FOLDER = 'evaluations';

/** Everything that was measured with the model of a run's folder; files the latest first. */
export async function readEvaluations(folder: string): Promise<Evaluations> {
  const problems: string[] = [];
  const own = await readOr(problems, join(folder, 'evaluation.json'));
  const reports = own === undefined ? [] : parseReports(own, problems);
  const evaluations: FileEvaluation[] = [];
  for (const entry of await listFolder(join(folder, FOLDER))) {
    if (!entry.name.endsWith('.json')) continue;
    const value = await readOr(problems, join(folder, FOLDER, entry.name));
    if (value === undefined) continue;
    const { format } = value as Partial<FileEvaluation>;
    const evaluation = { ...(value as object), report: withTask((value as Partial<FileEvaluation>).report) };
    const parsed = parseFileEvaluation(evaluation);
    const fitting = parsed.ok ? parseReport(parsed.message.report) : parsed;
    if (typeof format === 'number' && format > 1)
      problems.push(`${FOLDER}/${entry.name} was written by a newer version of Luthier.`);
    else if (parsed.ok && fitting.ok) evaluations.push({ ...parsed.message, name: entry.name.replace(/\.json$/, '') });
    else if (!fitting.ok) problems.push(`${FOLDER}/${entry.name} is not an evaluation: ${fitting.reason}.`);
  }
  evaluations.sort((a, b) => Number(a.evaluated_at < b.evaluated_at) - Number(a.evaluated_at > b.evaluated_at));
  return { reports, evaluations, problems };
}

async function readOr(problems: string[], path: string): Promise<unknown> {
  try {
    return await readOwnJson(path);
  } catch (error) {
    problems.push(`${basename(path)} cannot be read: ${(error as Error).message}`);
    return undefined;
  }
}

/** evaluation.json's reports, whether it lists them or names each by its part. What is none is named. */
export function parseReports(value: unknown, problems: string[] = []): EvaluationReport[] {
  const isObject = (item: unknown): item is object => typeof item === 'object' && item !== null;
  if (!isObject(value)) {
    problems.push('evaluation.json does not contain an evaluation.');
    return [];
  }
  const list: unknown[] = Array.isArray(value) ? value : 'split' in value ? [value] : Object.values(value);
  return list.flat().flatMap((report): EvaluationReport[] => {
    const parsed = parseReport(report);
    if (parsed.ok) return [parsed.message];
    if (isObject(report)) problems.push(`evaluation.json is not an evaluation: ${parsed.reason}.`);
    return [];
  });
}

/**
 * Keeps what a run's model came to on a file, in the run's folder; one of the same file takes an earlier one's place.
 * @returns as kept
 */
export async function saveEvaluation(folder: string, file: string, report: EvaluationReport): Promise<FileEvaluation> {
  const problem = (await placeProblem(folder)) ?? (await homeProblem(folder, FOLDER));
  if (problem !== null) throw new HostError('run-untrusted', `The evaluation was not kept: ${problem}`);
  const { evaluations } = await readEvaluations(folder);
  const taken = (await listFolder(join(folder, FOLDER))).map(({ name }) => name.replace(/\.json$/, ''));
  const name = evaluations.find((earlier) => earlier.file === file)?.name ?? uniqueName(slug(basename(file)), taken);
  const evaluation: FileEvaluation = {
    format: 1,
    name,
    title: basename(file),
    file,
    evaluated_at: new Date().toISOString(),
    report,
  };
  await mkdir(join(folder, FOLDER), { recursive: true });
  await writeFileAtomic(join(folder, FOLDER, `${name}.json`), `${JSON.stringify(evaluation, null, 2)}\n`);
  return evaluation;
}
