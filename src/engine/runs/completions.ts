import { dirname, join } from 'node:path';
import { writeJson } from '../../files/write-file.ts';
import { type CompletionReport, LuthierError, type Note } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { readRecord } from '../../runs/record.ts';
import { resolveModel } from '../hub/resolve.ts';
import { completionReport } from '../infer/completion-report.ts';

/** Lines that are typed again where nothing is said: about a minute for the starter. */
export const REPLAY = { lines: 60, seed: 42 } as const;

/**
 * Measures how a run's model completes the files that were held out, and keeps it in the run's folder.
 * @param run its folder
 * @throws LuthierError `model-not-found` for a run without a model; else as completionReport
 */
export async function measureCompletions(
  run: string,
  options: {
    lines?: number | undefined;
    seed?: number | undefined;
    cacheFolder?: string | undefined;
    note: Note;
    onProgress?: ((done: number, total: number) => void) | undefined;
    signal?: AbortSignal | undefined;
  },
): Promise<CompletionReport> {
  const { recipe, recipe_path, model, name, forgetting } = await readRecord(run);
  if (model === null) throw new LuthierError('model-not-found', `${name} has written no model.`, 'Wait for its end.');
  const from = recipe_path === null ? dirname(dirname(dirname(run))) : dirname(recipe_path);
  const { path: base } = await resolveModel(recipe.model, { base: from, cacheFolder: options.cacheFolder });
  const measured = await completionReport({
    ...options,
    ...{ lines: options.lines ?? REPLAY.lines, seed: options.seed ?? REPLAY.seed },
    ...{ model: join(run, model), base, baseName: recipe.model, dataset: recipe.dataset, from },
  });
  const report = { ...measured, ...(forgetting && { forgetting }) };
  await writeJson(join(run, FILES.completions), report);
  return report;
}
