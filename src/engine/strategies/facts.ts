import { LuthierError } from '../../protocol/index.ts';
import { openModelFolder } from '../hub/model-folder.ts';
import { resolveModel } from '../hub/resolve.ts';
import { type Architecture, declarationOf } from '../models/architecture.ts';
import { architectureOf } from '../models/registry.ts';
import { sizeOf } from '../tensor/executors/executor.ts';
import { type Facts, USUAL_FACTS } from './kind.ts';

/**
 * What suggestions depend on, of a model by the name that a recipe gives it; the usual for one that is not on this
 * machine or cannot be used, which is said when a run starts from it.
 */
export async function factsOf(model: string, base: string, cacheFolder?: string): Promise<Facts> {
  try {
    const { path } = await resolveModel(model, { base, cacheFolder });
    const folder = await openModelFolder(path);
    await folder.weights.close();
    return factsAbout(architectureOf(folder.config, path));
  } catch (error) {
    if (!(error instanceof LuthierError)) throw error;
    return USUAL_FACTS;
  }
}

export const factsAbout = (architecture: Architecture): Facts => ({
  layers: architecture.numLayers,
  loraTargets: architecture.loraTargets,
  isDecoder: architecture.isCausal,
  readsEveryToken: architecture.reads === 'all',
  writes: architecture.isCausal && architecture.outputs !== undefined,
  parameters: [...declarationOf(architecture).parameters.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0),
});
