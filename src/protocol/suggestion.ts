import type { LoraStrategy, RecipeInput, Strategy } from './recipe.ts';

/**
 * Adapters as every door suggests them; a recipe that leaves a key out has peft's default for it (alpha 8, dropout 0).
 */
const SUGGESTED_LORA: LoraStrategy = {
  type: 'lora',
  r: 8,
  lora_alpha: 16,
  lora_dropout: 0.05,
  target_modules: ['query', 'value'],
};

/** Of the starter and of most small models, where a model's own number is not known. */
export const USUAL_LAYERS = 6;

/**
 * A strategy as the editor and the terminal's questions write it into a recipe.
 * @param layers of the model; half of them are frozen by `freeze`
 */
export function suggestedStrategy(type: Strategy['type'], layers: number): Strategy {
  if (type === 'lora') return { ...SUGGESTED_LORA };
  return type === 'freeze' ? { type, num_frozen_layers: Math.max(1, Math.floor(layers / 2)) } : { type };
}

/**
 * Learning rate, epochs and batch for so many rows, as the editor and the terminal's questions offer them: few rows
 * are seen often enough to be learnt, many do not take a day. Rates are BERT's usual one (Devlin et al. 2019,
 * appendix A.3); four times that for a starter, whose layers are half as wide and which learns too little from some
 * hundred rows otherwise (seen on examples/); peft's for adapters and a lone classifier, which start from nothing.
 */
export function suggestedTraining(
  rows: number,
  strategy: Strategy['type'],
  model: string,
): Required<Pick<RecipeInput, 'learning_rate' | 'num_train_epochs' | 'per_device_train_batch_size'>> {
  const isFromNothing = strategy === 'head' || strategy === 'lora';
  const isStarter = model.startsWith('starters/');
  const epochs = rows < 300 ? 8 : rows < 2000 ? 5 : rows < 20_000 ? 3 : 1;
  return {
    learning_rate: isFromNothing ? 1e-3 : isStarter && rows < 20_000 ? 2e-4 : 5e-5,
    num_train_epochs: isFromNothing ? Math.max(5, epochs) : epochs,
    // A batch may not be larger than the training part; a tenth is held out.
    per_device_train_batch_size: rows < 8 ? Math.max(1, Math.floor(rows / 2)) : rows < 80 ? 4 : rows < 300 ? 8 : 16,
  };
}
