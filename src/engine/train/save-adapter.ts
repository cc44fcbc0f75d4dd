import { dirname, join } from 'node:path';
import { makeFolder, sweepAside, writeFileAtomically } from '../../files/write-file.ts';
import { writeSafetensors } from '../hub/safetensors.ts';
import type { Adapters, Encoder } from '../models/encoder.ts';
import type { AnyTask } from '../tasks/task.ts';
import type { TaskModel } from './model.ts';

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
 * @throws LuthierError `disk-full`, `not-writable`
 */
export async function saveAdapter(
  folder: string,
  task: AnyTask,
  model: TaskModel,
  adapters: Adapters,
  base: BaseModel,
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
  const config = `${JSON.stringify(adapterConfig(task, model.encoder, adapters, base), null, 2)}\n`;
  await writeFileAtomically(join(folder, 'adapter_config.json'), (file) => file.writeFile(config));
}

/** LoraConfig, where it differs from its defaults or a reader looks for it. */
function adapterConfig(
  { save }: AnyTask,
  { prefix }: Encoder,
  { settings, targets, modulesToSave }: Adapters,
  base: BaseModel,
): Record<string, unknown> {
  const { r, lora_alpha, lora_dropout, target_modules } = settings;
  // Of the head the whole part, as peft names it: "classifier", not the layers in it.
  const whole = modulesToSave.map((module) => (module.startsWith(`${prefix}.`) ? module : module.replace(/\..*/, '')));
  return {
    base_model_name_or_path: base.nameOrPath,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha,
    lora_dropout,
    // peft adds both names to every LoraConfig of this task type.
    modules_to_save: [...new Set([...whole, 'classifier', 'score'])],
    peft_type: 'LORA',
    r,
    revision: base.revision,
    // peft writes the layers that "all-linear" meant.
    target_modules: target_modules === 'all-linear' ? targets : target_modules,
    task_type: save.peft,
    use_dora: false,
    use_rslora: false,
  };
}
