import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isFile } from '../../files/folders.ts';
import { writeError } from '../../files/write-file.ts';
import { homeProblem } from '../../guard/index.ts';
import { LuthierError, trainingsOf } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { readRecord } from '../../runs/record.ts';
import { CONFIG_FILE } from '../hub/model-folder.ts';
import { Checkpoints } from './checkpoints.ts';
import { requireNone } from './folder.ts';

/** Folder of a model made of a checkpoint, among the run's checkpoints: it goes with them when the run ends. */
const nameOf = (step: number): string => `best-${step}`;

/**
 * The best weights so far of a run that is still going, as a model's folder that can be asked. It is written once for
 * each step, by what the run itself reads at its start, and replaces that of an earlier one.
 * @throws LuthierError `run-invalid` where there are no best weights yet; all that a run's start may meet
 */
export async function checkpointModel(run: string): Promise<{ path: string; step: number }> {
  const record = await readRecord(run);
  const { best, recipe } = record;
  const several = trainingsOf(record);
  if (best === null || several) {
    throw new LuthierError(
      'run-invalid',
      several
        ? `${record.name} is ${several.what === 'fold' ? 'a cross-validation' : 'trained with several seeds'}: each of its ${several.what}s has weights of its own.`
        : `${record.name} has no best weights yet: it has not been evaluated.`,
      'Wait for its first evaluation.',
    );
  }
  const { step } = best;
  const folder = join(run, FILES.checkpoints);
  const path = join(folder, nameOf(step), FILES.model);
  requireNone(await homeProblem(run, FILES.checkpoints));
  if (await isFile(join(path, CONFIG_FILE))) return { path, step };
  const parameters = await readBest(folder, step, record.name);
  const { createTrainer } = await import('../train/trainer.ts');
  const trainer = await createTrainer({
    // Its weights are in float32, wherever they were trained.
    recipe: { ...recipe, fp16: false },
    base: record.recipe_path === null ? run : dirname(record.recipe_path),
    rules: record.data_rules ?? 1,
    template: record.template,
    note: () => {},
  });
  const aside = join(folder, `.tmp-best-${step}-${process.pid}`);
  try {
    trainer.loadParameters(parameters);
    await mkdir(aside);
    await trainer.saveModel(join(aside, FILES.model));
    for (const name of await readdir(folder)) {
      if (/^best-\d+$/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
    }
    await rename(aside, join(folder, nameOf(step)));
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw writeError(path, error);
  } finally {
    trainer.dispose();
  }
  return { path, step };
}

async function readBest(folder: string, step: number, name: string): Promise<Map<string, Float32Array>> {
  try {
    return await new Checkpoints(folder, 1, '').readWeights(step);
  } catch (error) {
    throw new LuthierError(
      'run-invalid',
      `The checkpoint of step ${step} of ${name} cannot be read: the run may just have replaced it.`,
      'Run it again.',
      { cause: error },
    );
  }
}
