import { z } from 'zod';
import { counted } from '../../protocol/index.ts';
import { depthOf, type Model, type RunLength, type StrategyKind } from './kind.ts';

const schema = z.strictObject({
  type: z
    .literal('gradual-unfreeze')
    .describe(
      'Train the pooler and the classifier first, then one more layer at a time from the top down, the embeddings last (gradual unfreezing, ULMFiT).',
    ),
  epochs_per_group: z
    .number()
    .positive()
    .max(100_000)
    .default(1)
    .describe('Epochs until the next layer down is trained, too; can be a fraction.'),
  steps_per_group: z
    .number()
    .int()
    .min(1)
    .describe('Optimiser steps until the next layer down is trained, too, regardless of epochs_per_group.')
    .exactOptional(),
  lr_decay: z
    .number()
    .min(1)
    .max(1000)
    .default(2.6)
    .describe(
      "Each layer's learning rate is that of the layer above divided by this (discriminative learning rates); the classifier has learning_rate. 1: all have the same.",
    ),
});

type Keys = z.infer<typeof schema>;

/** The head, the layers and the embeddings; a model that writes brings its head, and begins with its top layer, too. */
const firstDepth = ({ hasOwnHead }: Model): number => (hasOwnHead ? 1 : 0);
const groupsOf = (model: Model): number => model.numLayers + 2 - firstDepth(model);

/** Steps done when a group is added, the first at 0. */
const startOf = (group: number, { epochs_per_group, steps_per_group }: Keys, { perEpoch }: RunLength): number =>
  Math.round(group * (steps_per_group ?? epochs_per_group * perEpoch));

const startsIn = (keys: Keys, model: Model, run: RunLength): number[] =>
  Array.from({ length: groupsOf(model) }, (_, group) => startOf(group, keys, run)).filter(
    (start) => start === 0 || start < run.total,
  );

/**
 * Gradual unfreezing with discriminative learning rates (Howard & Ruder 2018, ULMFiT): what knows the task least is
 * trained first, so that the layers below meet a classifier that has learnt something.
 */
export const gradualUnfreeze: StrategyKind<Keys> = {
  schema,
  title: 'Unfreeze layer by layer',
  detail: () => 'The classifier learns first, then one more layer at a time from the top down, each more slowly.',
  // The paper has four groups, a transformer many more: with them the embeddings would be reached after as many epochs.
  isVariant: true,
  suggest: ({ layers }) => ({
    type: 'gradual-unfreeze',
    epochs_per_group: Math.max(0.05, Math.floor(40 / (layers + 1)) / 20),
    lr_decay: 2.6,
  }),
  needsClassifier: true,
  trained(_, model, phase) {
    const depth = phase === undefined ? Number.POSITIVE_INFINITY : phase + firstDepth(model);
    return (parameter) => depthOf(parameter, model) <= depth;
  },
  phases: startsIn,
  tooShort(keys, model, run) {
    const groups = groupsOf(model);
    const reached = startsIn(keys, model, run).length;
    if (reached === groups) return null;
    const epochs = run.total / run.perEpoch;
    const fitting = Math.floor((100 * epochs) / groups) / 100;
    const instead =
      keys.steps_per_group === undefined && fitting > 0
        ? `epochs_per_group to ${fitting} or less`
        : `steps_per_group to ${Math.max(1, Math.floor(run.total / groups))} or less`;
    return `The run ends after ${counted(run.total, 'step')} with ${reached} of ${groups} groups unfrozen: ${frozenFrom(reached, model)} never trained. Set ${instead}, or train for longer.`;
  },
  rate:
    ({ lr_decay }, model) =>
    (parameter) =>
      lr_decay ** -depthOf(parameter, model),
};

/** What is below the groups that a run reaches. */
function frozenFrom(reached: number, model: Model): string {
  const layers = model.numLayers + 1 - reached - firstDepth(model);
  if (layers <= 0) return 'the embeddings are';
  return layers === 1
    ? 'the lowest layer and the embeddings are'
    : `the lowest ${layers} layers and the embeddings are`;
}
