import { LuthierError } from '../../protocol/index.ts';
import { ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, type ModelFolder } from '../hub/model-folder.ts';
import type { Architecture } from '../models/architecture.ts';
import { PROMPT_EMBEDDINGS, withPrompt } from '../models/prompt.ts';

/**
 * The architecture with the prompt that a folder's model reads in front of each text; as it is where it reads none.
 * @throws LuthierError `model-unsupported` for another kind of adapter, `model-invalid` for a prompt of another width
 */
export function withFolderPrompt({ path, prompt }: ModelFolder, architecture: Architecture): Architecture {
  if (!prompt) return architecture;
  const type = prompt.config.peft_type;
  if (type !== 'PROMPT_TUNING')
    throw new LuthierError(
      'model-unsupported',
      `${path}/${ADAPTER_CONFIG_FILE}: peft_type is ${JSON.stringify(type)}; in front of a model Luthier reads PROMPT_TUNING alone.`,
      'Merge the adapter into the model’s weights in Python with peft’s merge_and_unload.',
    );
  const shape = prompt.weights.shape(PROMPT_EMBEDDINGS);
  const [tokens = 0, width] = shape;
  if (shape.length !== 2 || tokens < 1 || tokens >= architecture.maxPositions || width !== architecture.hiddenSize)
    throw new LuthierError(
      'model-invalid',
      `${path}/${ADAPTER_WEIGHTS_FILE}: ${PROMPT_EMBEDDINGS} has shape [${shape}], but the model’s embeddings are ${architecture.hiddenSize} wide and it has ${architecture.maxPositions} positions.`,
      'The files are from different models. Copy the folder again.',
    );
  return withPrompt(architecture, { num_virtual_tokens: tokens, modulesToSave: [] });
}
