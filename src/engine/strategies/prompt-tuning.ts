import { z } from 'zod';
import { counted } from '../../protocol/index.ts';
import { type Beginning, type Model, quantization, type StrategyKind, WrongKey } from './kind.ts';
import { num_virtual_tokens, refuseTooMany, trainsPrompt } from './virtual-tokens.ts';
import { trainedWhole } from './whole.ts';

const schema = z.strictObject({
  type: z
    .literal('prompt-tuning')
    .describe('Freeze every weight; train the embeddings of virtual tokens in front of each text, and the classifier.'),
  num_virtual_tokens,
  prompt_tuning_init: z
    .enum(['RANDOM', 'TEXT', 'PRETRAINED'])
    .default('RANDOM')
    .describe(
      'What the virtual tokens begin with: random numbers, the embeddings of a text’s tokens, or what they learn from texts without labels first.',
    ),
  prompt_tuning_init_text: z
    .string()
    .min(1)
    .describe('The text that they begin with, where prompt_tuning_init is TEXT: repeated or cut to their number.')
    .exactOptional(),
  pretraining_dataset: z
    .string()
    .min(1)
    .describe(
      'A file of texts without labels, relative to the recipe, that they learn from first, where prompt_tuning_init is PRETRAINED.',
    )
    .exactOptional(),
  pretraining_epochs: z
    .number()
    .positive()
    .max(1000)
    .describe('Passes over these texts; can be a fraction. If left out, 1.')
    .exactOptional(),
  ...quantization,
});

type PromptTuning = z.infer<typeof schema>;

/**
 * Prompt tuning (Lester et al. 2021): a prompt that is learnt instead of written; and from texts without labels first, where
 * it is pre-trained (PPT, Gu et al. 2022).
 */
export const promptTuning: StrategyKind<PromptTuning> = {
  schema,
  title: 'Prompt tuning',
  detail: ({ num_virtual_tokens: count }) =>
    `${counted(count, 'virtual token')} in front of each text ${count === 1 ? 'learns' : 'learn'}. The least to store; the model’s folder needs peft in Python.`,
  suggest: () => ({ type: 'prompt-tuning', num_virtual_tokens: 20, prompt_tuning_init: 'RANDOM' }),
  isVariant: true,
  notFor: ['token-classification'],
  // That of peft's examples for causal language models. Theirs for sequence classification, 1e-3, moves the prompt so
  // little that a classifier learns nothing (docs/recipe.md); Lester et al. 2021 took 0.3 with Adafactor.
  learningRate: () => 3e-2,
  prompt(strategy, model, isStored, beginning) {
    refuseWhatDoesNotFit(strategy, model);
    const { num_virtual_tokens } = strategy;
    const ids = beginning && idsOf(strategy, beginning);
    return { num_virtual_tokens, ...(ids && { beginsWith: ids }), modulesToSave: trainedWhole(model, isStored) };
  },
  trained: trainsPrompt,
  pretraining: ({ prompt_tuning_init: init, pretraining_dataset: dataset, pretraining_epochs: epochs = 1 }) =>
    init === 'PRETRAINED' && dataset !== undefined ? { dataset, epochs } : undefined,
  peftConfig: (strategy, { hiddenSize, numHeads, numLayers }, base) => ({
    num_attention_heads: numHeads,
    num_layers: numLayers,
    num_transformer_submodules: 1,
    num_virtual_tokens: strategy.num_virtual_tokens,
    peft_type: 'PROMPT_TUNING',
    // peft knows no other way to begin, and begins with the saved prompt in any case.
    prompt_tuning_init: strategy.prompt_tuning_init === 'PRETRAINED' ? 'RANDOM' : strategy.prompt_tuning_init,
    prompt_tuning_init_text: strategy.prompt_tuning_init_text ?? null,
    token_dim: hiddenSize,
    // peft wants one where the text is named.
    tokenizer_name_or_path: strategy.prompt_tuning_init === 'TEXT' ? base : null,
  }),
};

function refuseWhatDoesNotFit(strategy: PromptTuning, model: Model): void {
  const { readsEveryToken, hasOwnHead } = model;
  const { num_virtual_tokens: count, prompt_tuning_init, prompt_tuning_init_text: text } = strategy;
  if (readsEveryToken && !hasOwnHead)
    throw new WrongKey(
      'type',
      'strategy.type is "prompt-tuning", but the task labels each token, and peft would label the prompt’s, too.',
      'Use {"type": "lora"}.',
      'lora',
    );
  refuseTooMany(count, model);
  if (prompt_tuning_init === 'TEXT' && text === undefined)
    throw new WrongKey(
      'prompt_tuning_init_text',
      'strategy.prompt_tuning_init is "TEXT", but there is no prompt_tuning_init_text.',
      'Say in it what the model is to do, such as "Classify the ticket by its topic:".',
    );
  if (prompt_tuning_init !== 'TEXT' && text !== undefined)
    throw new WrongKey(
      'prompt_tuning_init',
      `strategy.prompt_tuning_init_text is not used: prompt_tuning_init is "${prompt_tuning_init}".`,
      'Set prompt_tuning_init to "TEXT", or take the text out.',
      'TEXT',
    );
  if (prompt_tuning_init === 'PRETRAINED' && strategy.pretraining_dataset === undefined)
    throw new WrongKey(
      'pretraining_dataset',
      'strategy.prompt_tuning_init is "PRETRAINED", but there is no pretraining_dataset.',
      'Name a file of texts like those of the dataset in it; they need no labels.',
    );
  const unused = (['pretraining_dataset', 'pretraining_epochs'] as const).find((key) => strategy[key] !== undefined);
  if (prompt_tuning_init !== 'PRETRAINED' && unused)
    throw new WrongKey(
      'prompt_tuning_init',
      `strategy.${unused} is not used: prompt_tuning_init is "${prompt_tuning_init}".`,
      'Set prompt_tuning_init to "PRETRAINED", or remove the key.',
      'PRETRAINED',
    );
}

/** As peft takes them: the text's ids again and again until there are enough. */
function idsOf(
  { num_virtual_tokens: count, prompt_tuning_init_text: text }: PromptTuning,
  { encode, note }: Beginning,
): number[] | undefined {
  if (text === undefined) return undefined;
  const ids = encode(text);
  if (ids.length === 0)
    throw new WrongKey(
      'prompt_tuning_init_text',
      `strategy.prompt_tuning_init_text has no token for the model’s tokenizer.`,
      'Write a sentence, or set prompt_tuning_init to "RANDOM".',
    );
  if (ids.length !== count)
    note(
      'info',
      `prompt_tuning_init_text has ${counted(ids.length, 'token')}, special ones included: ${
        ids.length > count ? `the first ${count} are used` : `repeated to fill ${count}`
      }.`,
    );
  return Array.from({ length: count }, (_, i) => ids[i % ids.length]!);
}
