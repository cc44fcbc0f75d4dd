import { LuthierError } from '../../protocol/index.ts';
import { ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, type ModelFolder, PROMPT_TYPES } from '../hub/model-folder.ts';
import type { Architecture, Prompt } from '../models/architecture.ts';
import { withPrefix } from '../models/prefix.ts';
import { PROMPT_EMBEDDINGS, withPrompt } from '../models/prompt.ts';

interface Kind {
  /** Numbers of a virtual token. */
  width(architecture: Architecture): number;
  put(architecture: Architecture, prompt: Prompt): Architecture;
}

const KINDS: Readonly<Record<(typeof PROMPT_TYPES)[number], Kind>> = {
  PROMPT_TUNING: { width: ({ hiddenSize }) => hiddenSize, put: withPrompt },
  PREFIX_TUNING: {
    width: ({ numLayers, keyValue: { heads, width } }) => 2 * numLayers * heads * width,
    put: (architecture, prompt) => withPrefix(architecture, { ...prompt, isPrefix: true }),
  },
};

/**
 * The architecture with the prompt that a folder's model reads in front of each text; as it is where it reads none.
 * @throws LuthierError `model-unsupported` for another kind of adapter, `model-invalid` for a prompt of another width
 */
export function withFolderPrompt({ path, prompt }: ModelFolder, architecture: Architecture): Architecture {
  if (!prompt) return architecture;
  const type = prompt.config.peft_type;
  const known = PROMPT_TYPES.find((name) => name === type);
  if (!known || (known === 'PREFIX_TUNING' && !architecture.isCausal))
    throw new LuthierError(
      'model-unsupported',
      known
        ? `${path}/${ADAPTER_CONFIG_FILE}: peft_type is "${known}", but a ${architecture.modelType} model reads no prefix.`
        : `${path}/${ADAPTER_CONFIG_FILE}: peft_type is ${JSON.stringify(type)}; in front of a model Luthier reads ${PROMPT_TYPES.join(' and ')} alone.`,
      known
        ? 'The files are from different models. Copy the folder again.'
        : 'Merge the adapter into the model’s weights in Python with peft’s merge_and_unload.',
    );
  const shape = prompt.weights.shape(PROMPT_EMBEDDINGS);
  const [tokens = 0, width] = shape;
  const wanted = KINDS[known].width(architecture);
  if (shape.length !== 2 || tokens < 1 || tokens >= architecture.maxPositions || width !== wanted)
    throw new LuthierError(
      'model-invalid',
      `${path}/${ADAPTER_WEIGHTS_FILE}: ${PROMPT_EMBEDDINGS} has shape [${shape}], but each of this model’s virtual tokens has ${wanted} numbers, and it has ${architecture.maxPositions} positions.`,
      'The files are from different models. Copy the folder again.',
    );
  return KINDS[known].put(architecture, { num_virtual_tokens: tokens, modulesToSave: [] });
}
