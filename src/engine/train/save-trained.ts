import { sayEightBit } from '../model-files/eight-bit.ts';
import { saveTaskModel } from '../model-files/save.ts';
import { adapterFolderOf } from '../model-files/save-adapter.ts';
import { saveSentenceTransformer, sentenceTransformerFolderOf } from '../model-files/save-sentence-transformer.ts';
import type { TaskModel } from '../runtime/model.ts';
import type { Evaluator } from './evaluator.ts';
import type { TrainerParts } from './trainer-parts.ts';

/**
 * Writes a trained model's folder, and beside it the adapter and, where pairs were learnt, the encoder by itself; what
 * was chosen for it and found of it is noted.
 * @param target its folder
 * @param chosen settings that it answers with, and what to say of them
 * @throws LuthierError as saveTaskModel
 */
export async function saveTrained(
  target: string,
  model: TaskModel,
  parts: TrainerParts,
  { settings, note: tuned }: Awaited<ReturnType<Evaluator['settings']>>,
): Promise<void> {
  const { task, recipe, dataset, encoded, lessons, folder, generation, tokenizer, base, note } = parts;
  if (tuned !== undefined) note('info', tuned);
  const found = await saveTaskModel(target, {
    ...{ settings, task, model, labels: dataset.labels, source: folder, generation, tokenizer },
    maxLength: recipe.max_length,
    inputs: task.inputs(dataset.columns),
    probes: [...encoded.validation, ...encoded.train].slice(0, 16),
    eightBit: recipe.predict_in_8bit ? { compared: encoded.validation, seen: encoded.train } : undefined,
    backend: recipe.backend,
    adapter: { folder: adapterFolderOf(target), base, strategy: recipe.strategy },
  });
  // No warning where they stay in float: new recipes have the key for whatever machine they are run on.
  if (found !== undefined) note('info', sayEightBit(found));
  if (!lessons.isPaired) return;
  const encoder = sentenceTransformerFolderOf(target);
  await saveSentenceTransformer(encoder, model, folder.config, tokenizer, recipe.max_length);
  note('info', `The encoder by itself is in ${encoder}, for Python’s sentence-transformers.`);
}
