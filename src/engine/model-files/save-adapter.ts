import { dirname, join } from 'node:path';
import { makeFolder, sweepAside, writeFileAtomically } from '../../files/write-file.ts';
import { writeSafetensors } from '../hub/safetensors.ts';
import type { Adapters } from '../models/architecture.ts';
import type { TaskModel } from '../runtime/model.ts';
import type { AnyTask } from '../tasks/task.ts';

/** Where peft finds the model that an adapter was trained on. */
export interface BaseModel {
  /** A name on the hub, or a folder's absolute path. */
  readonly nameOrPath: string;
  /** Branch, tag or commit on the hub; null for its default and for folders. */
  readonly revision: string | null;
}

/** The folder of a run's adapter, beside that of its model. */
export const adapterFolderOf = (modelFolder: string): string => join(dirname(modelFolder), 'adapter');

/**
 * Writes the trained parameters as peft's PeftModel.save_pretrained does, for PeftModel.from_pretrained and
 * its AutoPeftModel for the task (peft 0.21: utils/save_and_load.py, get_peft_model_state_dict).
 * @param own what peft's config of this kind of adapter has (strategies/)
 * @throws LuthierError `disk-full`, `not-writable`
 */
export async function saveAdapter(
  folder: string,
  task: AnyTask,
  model: TaskModel,
  adapters: Adapters,
  base: BaseModel,
  own: Readonly<Record<string, unknown>>,
): Promise<void> {
  await makeFolder(folder);
  await sweepAside(folder);
  const { parameters } = model.declaration();
  const isSaved = (name: string) =>
    parameters.get(name)!.isAdapter || adapters.modulesToSave.some((module) => name.startsWith(`${module}.`));
  const tensors = [...model.store.parameters.values()]
    .filter(({ name }) => isSaved(name))
    .map(({ name, shape, weight }) => ({
      name: `base_model.model.${name}`,
      shape,
      dtype: 'F32' as const,
      data: weight,
    }));
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), tensors);
  // Last, so that a folder left half-written is seen to lack it.
  // Of the head the whole part, as peft names it: "classifier", not the layers in it.
  const whole = adapters.modulesToSave.map((module) =>
    module.startsWith(`${model.architecture.prefix}.`) ? module : module.replace(/\..*/, ''),
  );
  const config = {
    ...own,
    base_model_name_or_path: base.nameOrPath,
    inference_mode: true,
    // peft adds both names to every config of a classifier.
    modules_to_save: model.architecture.outputs === undefined ? [...new Set([...whole, 'classifier', 'score'])] : null,
    revision: base.revision,
    task_type: task.save.peft,
  };
  const sorted = Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFileAtomically(join(folder, 'adapter_config.json'), (file) =>
    file.writeFile(`${JSON.stringify(sorted, null, 2)}\n`),
  );
}
