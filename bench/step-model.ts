import type { Strategy } from '../src/protocol/index.ts';
import type { StepSpec } from './spec.ts';

type Shape = Omit<StepSpec, 'backend' | 'threads'>;

/** The optimiser's settings of a step case, PyTorch's defaults with clipping. */
export const ADAM_W = {
  ...{ adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8 },
  ...{ weight_decay: 0.01, max_grad_norm: 1 },
};

/** A step case's model as a config.json has it. */
export const configOf = ({ layers, hidden, heads, vocab, dropout }: Shape): Record<string, unknown> => ({
  model_type: 'bert',
  vocab_size: vocab,
  hidden_size: hidden,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  intermediate_size: 4 * hidden,
  max_position_embeddings: 512,
  hidden_dropout_prob: dropout,
  attention_probs_dropout_prob: dropout,
});

/** What a step case trains. */
export function strategyOf({ lora, frozen, load_in_8bit = false }: Shape): Strategy {
  if (lora !== undefined) {
    const target_modules = ['query', 'value'];
    return { type: 'lora', r: lora, lora_alpha: 2 * lora, lora_dropout: 0, target_modules, load_in_8bit };
  }
  return frozen > 0 ? { type: 'freeze', num_frozen_layers: frozen, load_in_8bit } : { type: 'full' };
}
