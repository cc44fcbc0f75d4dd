import { LuthierError, type Recipe } from '../../protocol/index.ts';
import type { ModelFolder } from '../hub/model-folder.ts';
import type { Architecture } from '../models/architecture.ts';
import { poolingOfModel } from '../models/config.ts';
import { kindOf } from '../strategies/index.ts';

/**
 * Refuses a recipe's pooling where it cannot be.
 * @throws LuthierError `recipe-invalid`
 */
export function requirePooling(
  { config }: Pick<ModelFolder, 'config'>,
  architecture: Architecture,
  { pooling, strategy }: Pick<Recipe, 'pooling' | 'strategy'>,
): void {
  if (pooling === undefined) return;
  const refuse = (why: string, hint = 'Remove the key.') => {
    throw new LuthierError('recipe-invalid', `pooling is "${pooling}", but ${why}`, hint);
  };
  if (architecture.pooling === undefined)
    refuse(
      architecture.isCausal
        ? `the model is a decoder (${architecture.modelType}): its classifier reads the last token, which has seen all others.`
        : 'what is learned here reads every token by itself.',
    );
  const own = poolingOfModel(config);
  if (own !== undefined && own !== pooling && pooling !== 'pooler')
    refuse(
      `the model was trained with pooling "${own}", which is part of it.`,
      `Remove the key, or start from the model that it was made of.`,
    );
  if (pooling === 'pooler' && own === undefined && kindOf(strategy).pairs)
    refuse(
      `strategy "${strategy.type}" teaches the encoder’s embeddings, and a pooler comes after them.`,
      'Remove the key, or choose "mean" or "cls".',
    );
  if (pooling !== 'pooler' && own === undefined && kindOf(strategy).peftConfig)
    refuse(
      `strategy "${strategy.type}" writes an adapter for the base model as it is, and the base model ${pooling === 'mean' ? 'lacks the layer that takes the mean' : 'has a pooler of its own'}.`,
      'Remove the key, or choose another strategy: "head", "full" or "freeze".',
    );
}
