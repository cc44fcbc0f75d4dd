import { purposeOf } from '../../protocol/index.ts';
import type { EngineService } from '../engine/service.ts';
import { hasModel } from '../runs/run.ts';
import type { RunStore } from '../runs/store.ts';
import { setting } from '../settings.ts';

/** What a template may name as its model: runs by their names, and what else the engine finds, where it may be asked. */
export async function listPromptModels(
  service: Pick<EngineService, 'request'> | null,
  runs: Pick<RunStore, 'all'>,
): Promise<{ name: string; detail: string }[]> {
  const trained = runs
    .all()
    .filter(hasModel)
    .map(({ record }) => ({ name: record.name, detail: 'Trained here' }));
  if (!service) return trained;
  const listed = await service.request('models/list', { folders: setting('luthier.modelFolders') });
  const others = listed
    .filter(({ source, problem }) => source !== 'run' && problem === null)
    .map((model) => ({ name: model.source === 'folder' ? model.path : model.name, detail: purposeOf(model) }));
  return [...others, ...trained];
}
