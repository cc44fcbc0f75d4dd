import { z } from 'zod';
import {
  isSmallWriter,
  layerwise_lr_decay,
  layerwiseRate,
  quantization,
  type StrategyKind,
  suggestedIn8Bit,
  WrongKey,
} from './kind.ts';
import { linearModules, moduleOf, trainedWhole } from './whole.ts';

const schema = z.strictObject({
  type: z
    .literal('lora')
    .describe('Freeze every weight; train low-rank adapters on some linear layers, and the classifier.'),
  r: z.number().int().min(1).max(1024).default(8).describe('Rank of the adapters.'),
  lora_alpha: z
    .number()
    .positive()
    .default(8)
    .describe('The output of the adapters is scaled by lora_alpha / r, or with use_rslora by lora_alpha / √r.'),
  lora_dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe("Share of an adapter's input that is dropped during training."),
  use_rslora: z
    .boolean()
    .describe(
      'Scale the output of the adapters by lora_alpha / √r (rank-stabilised), so that a large r learns as fast as a small one; off by default.',
    )
    .exactOptional(),
  use_dora: z
    .boolean()
    .describe(
      'Train the size of each output of an adapted layer apart from its direction (DoRA): closer to training all weights, and slower; off by default.',
    )
    .exactOptional(),
  target_modules: z
    .union([z.literal('all-linear'), z.array(z.string().min(1)).min(1)], { error: 'a list of names or "all-linear"' })
    .describe(
      'Linear layers that get an adapter, given by the ends of their names (query, key, value, dense), or "all-linear". If left out, those that peft adapts in models of this type: query and value for BERT.',
    )
    .exactOptional(),
  layerwise_lr_decay,
  ...quantization,
});

export const lora: StrategyKind<z.infer<typeof schema>> = {
  schema,
  title: 'LoRA',
  detail: () => 'Small adapters learn beside layers that keep their weights. Faster, and little to store.',
  suggest: (facts) => ({
    ...{ type: 'lora', r: 8, lora_alpha: 16, lora_dropout: 0.05 },
    target_modules: [...facts.loraTargets],
    ...suggestedIn8Bit(facts),
  }),
  // The rate of peft's examples: adapters start from nothing.
  learningRate: () => 1e-3,
  isRecommended: (_, facts) => facts.isDecoder && !isSmallWriter(facts),
  adapters({ target_modules: given, r, lora_alpha, lora_dropout, use_rslora, use_dora }, model, isStored) {
    const { parameters, loraTargets } = model;
    const modulesToSave = trainedWhole(model, isStored);
    const names = linearModules(model).map(({ name }) => name);
    const wanted = given ?? loraTargets;
    const targets = targetsOf(names, wanted, modulesToSave);
    // peft writes the layers that "all-linear" meant.
    const target_modules = wanted === 'all-linear' ? targets : wanted;
    const fan_in_fan_out = targets.some((name) => parameters.get(`${name}.weight`)!.layout === 'in,out');
    return {
      ...{ r, lora_alpha, lora_dropout, use_rslora, use_dora },
      ...{ target_modules, targets, modulesToSave, fan_in_fan_out },
    };
  },
  trained(_, { adapters }) {
    const whole = new Set(adapters?.modulesToSave);
    return ({ name, isAdapter }) => isAdapter === true || whole.has(moduleOf(name));
  },
  rate: (strategy, model) => layerwiseRate(strategy.layerwise_lr_decay, model),
  peftConfig: ({ r, lora_alpha, lora_dropout, use_rslora = false, use_dora = false }, { adapters }) => ({
    bias: 'none',
    fan_in_fan_out: adapters!.fan_in_fan_out,
    init_lora_weights: true,
    lora_alpha,
    lora_dropout,
    peft_type: 'LORA',
    r,
    target_modules: adapters!.target_modules,
    use_dora,
    use_rslora,
  }),
};

/** peft's `all-linear`, or a list of names of which each must be somewhere. */
function targetsOf(
  modules: readonly string[],
  wanted: readonly string[] | 'all-linear',
  modulesToSave: readonly string[],
): string[] {
  const adaptable = modules.filter((module) => !modulesToSave.includes(module));
  if (wanted === 'all-linear') return adaptable;
  const matches = (module: string, name: string) => module === name || module.endsWith(`.${name}`);
  for (const name of wanted) {
    if (adaptable.some((module) => matches(module, name))) continue;
    const isTrained = modulesToSave.some((module) => matches(module, name));
    throw new WrongKey(
      'target_modules',
      isTrained
        ? `strategy.target_modules names "${name}", which LoRA already trains in full.`
        : `strategy.target_modules names "${name}", but the model has no linear layer with that name.`,
      `Valid names: ${[...new Set(adaptable.map((module) => module.slice(module.lastIndexOf('.') + 1)))].join(', ')}, a whole name such as ${adaptable[0]}, or "all-linear".`,
    );
  }
  return adaptable.filter((module) => wanted.some((name) => matches(module, name)));
}
