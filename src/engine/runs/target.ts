import { basename, dirname, join, resolve } from 'node:path';
import { isFile } from '../../files/folders.ts';
import { LuthierError, STATE_WORDS } from '../../protocol/index.ts';
import { findRunFolders } from '../../runs/find.ts';
import { FILES } from '../../runs/folder.ts';
import { readRecord } from '../../runs/record.ts';
import { CONFIG_FILE } from '../hub/model-folder.ts';
import { nearModel, resolveModel } from '../hub/resolve.ts';
import { nearRun, runCalled } from './called.ts';

/**
 * The model folder that a person means by a run (its id, its folder or the name that it was given) or by a model
 * (folder, starter, Hugging Face name).
 * @throws LuthierError `model-not-found`; `run-invalid` for a run that has no model yet; `usage` for a name that
 *   several runs have
 */
export async function findModel(name: string, base: string): Promise<{ path: string; run: string | null }> {
  const direct = resolve(base, name);
  if (await isFile(join(direct, FILES.record))) return ofRun(direct);
  if (await isFile(join(direct, CONFIG_FILE))) return { path: direct, run: await runAround(direct) };
  const runs = await findRunFolders(base);
  const run = runs.find((folder) => basename(folder) === name);
  if (run !== undefined) return ofRun(run);
  try {
    return { path: (await resolveModel(name, { base })).path, run: null };
  } catch (error) {
    const called = await runCalled(name, runs);
    if (called !== undefined) return ofRun(called);
    // Where no model has such a name it may well have been meant as a run's.
    if (!(error instanceof LuthierError) || error.code !== 'model-not-found' || /[\\/]/.test(name)) throw error;
    const near = (await nearRun(name, runs)) ?? (await nearModel(name, { base }));
    throw new LuthierError(
      error.code,
      `No run or model is called “${name}”: ${base} has no run with that id, and no model was found under that name.${near === undefined ? '' : ` Did you mean “${near}”?`}`,
      `luthier runs list shows the runs here; for a run elsewhere, give its folder. ${error.hint ?? ''}`.trim(),
      { cause: error },
    );
  }
}

async function ofRun(folder: string): Promise<{ path: string; run: string }> {
  const record = await readRecord(folder);
  if (record.model !== null) return { path: join(folder, record.model), run: folder };
  throw new LuthierError(
    'run-invalid',
    `The run ${record.id} has written no model yet (${STATE_WORDS[record.state]}, step ${record.step} of ${record.total_steps}).`,
    'Finish it with luthier runs resume, or end a run in progress with luthier runs stop, which keeps its best weights.',
  );
}

/** The run whose model a folder is. */
async function runAround(model: string): Promise<string | null> {
  const parent = dirname(model);
  return basename(model) === FILES.model && (await isFile(join(parent, FILES.record))) ? parent : null;
}
