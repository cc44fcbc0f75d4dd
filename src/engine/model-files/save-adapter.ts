import { dirname, join } from 'node:path';
import { makeFolder, sweepAside, writeFileAtomically } from '../../files/write-file.ts';
import { ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE } from '../hub/model-folder.ts';
import { writeSafetensors } from '../hub/safetensors.ts';
import { promptOf } from '../models/prefix.ts';
import { PROMPT_EMBEDDINGS } from '../models/prompt.ts';
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
  base: BaseModel,
  own: Readonly<Record<string, unknown>>,
): Promise<void> {
  await makeFolder(folder);
  await sweepAside(folder);
  const { architecture } = model;
  const { parameters } = model.declaration();
  const { prompt } = architecture;
  const { modulesToSave } = (architecture.adapters ?? prompt)!;
  // peft puts a model with adapters into one of its own, and one with a prompt beside it.
  const root = prompt ? 'base_model.' : 'base_model.model.';
  const isSaved = (name: string) =>
    (!prompt && parameters.get(name)!.isAdapter) || modulesToSave.some((module) => name.startsWith(`${module}.`));
  const tensor = (name: string, shape: readonly number[], data: Float32Array) =>
    ({ name, shape, dtype: 'F32', data }) as const;
  const tensors = [...model.store.parameters.values()]
    .filter(({ name }) => isSaved(name))
    .map(({ name, shape, weight }) => tensor(`${root}${name}`, shape, weight));
  if (prompt) {
    const learnt = promptOf((name) => model.store.get(name).weight, prompt);
    const P = prompt.num_virtual_tokens;
    tensors.push(tensor(PROMPT_EMBEDDINGS, [P, learnt.length / P], learnt));
  }
  await writeSafetensors(join(folder, ADAPTER_WEIGHTS_FILE), tensors);
  // Last, so that a folder left half-written is seen to lack it.
  // Of the head the whole part, as peft names it: "classifier", not the layers in it.
  const whole = modulesToSave.map((module) =>
    module.startsWith(`${architecture.prefix}.`) ? module : module.replace(/\..*/, ''),
  );
  const config = {
    ...own,
    base_model_name_or_path: base.nameOrPath,
    inference_mode: true,
    // peft adds both names to every config of a classifier.
    modules_to_save: architecture.outputs === undefined ? [...new Set([...whole, 'classifier', 'score'])] : null,
    revision: base.revision,
    task_type: task.save.peft,
  };
  const sorted = Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFileAtomically(join(folder, ADAPTER_CONFIG_FILE), (file) =>
    file.writeFile(`${JSON.stringify(sorted, null, 2)}\n`),
  );
}
