import { z } from 'zod';
import { counted } from '../../protocol/index.ts';
import { type Model, quantization, type StrategyKind, WrongKey } from './kind.ts';
import { num_virtual_tokens, refuseTooMany, trainsPrompt } from './virtual-tokens.ts';

const schema = z.strictObject({
  type: z
    .literal('prefix-tuning')
    .describe(
      'Of a model that writes: freeze every weight; train keys and values that each layer sees in front of every text.',
    ),
  num_virtual_tokens,
  prefix_projection: z
    .boolean()
    .describe(
      'Compute keys and values by two layers from one embedding for each virtual token while they are learnt, which is steadier and has more to train; off by default. What is saved is the same.',
    )
    .exactOptional(),
  encoder_hidden_size: z
    .number()
    .int()
    .min(1)
    .max(65_536)
    .describe('With prefix_projection: width between the two layers. If left out, that of the keys of a layer.')
    .exactOptional(),
  ...quantization,
});

type PrefixTuning = z.infer<typeof schema>;

/** Prefix tuning (Li & Liang 2021): what each layer would remember of a prompt is learnt instead of the prompt. */
export const prefixTuning: StrategyKind<PrefixTuning> = {
  schema,
  title: 'Prefix tuning',
  detail: ({ num_virtual_tokens: count }) =>
    `Each layer learns keys and values of ${counted(count, 'virtual token')} in front of each text. Little to store; the model’s folder needs peft in Python.`,
  suggest: () => ({ type: 'prefix-tuning', num_virtual_tokens: 20 }),
  isVariant: true,
  needsWriter: true,
  // That of peft's examples of it.
  learningRate: () => 1e-2,
  prompt(strategy, model) {
    refuseWhatDoesNotFit(strategy, model);
    const { num_virtual_tokens, prefix_projection, encoder_hidden_size = model.keyValueWidth } = strategy;
    return {
      ...{ num_virtual_tokens, isPrefix: true, modulesToSave: [] },
      ...(prefix_projection && { encoder_hidden_size }),
    };
  },
  trained: trainsPrompt,
  peftConfig: (strategy, { keyValue: { heads, width }, numLayers, prompt }) => ({
    encoder_hidden_size: prompt?.encoder_hidden_size ?? heads * width,
    init_weights: null,
    // peft's names for those of keys and values where there are fewer than of queries.
    num_attention_heads: heads,
    num_layers: numLayers,
    num_transformer_submodules: 1,
    num_virtual_tokens: strategy.num_virtual_tokens,
    peft_type: 'PREFIX_TUNING',
    // What is saved is what came out of it: a prefix like any other.
    prefix_projection: false,
    token_dim: heads * width,
  }),
};

function refuseWhatDoesNotFit(strategy: PrefixTuning, model: Model): void {
  const { num_virtual_tokens: count, prefix_projection, encoder_hidden_size } = strategy;
  if (!model.hasOwnHead)
    throw new WrongKey(
      'type',
      'strategy.type is "prefix-tuning", which is for models that write: peft gives classifiers no prefix with transformers 5.',
      'Use {"type": "lora"}, or {"type": "prompt-tuning"} to classify texts.',
      'lora',
    );
  refuseTooMany(count, model);
  if (encoder_hidden_size !== undefined && !prefix_projection)
    throw new WrongKey(
      'encoder_hidden_size',
      'strategy.encoder_hidden_size is not used: prefix_projection is not true.',
      'Set prefix_projection to true, or take encoder_hidden_size out.',
    );
}
