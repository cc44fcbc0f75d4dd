import { z } from 'zod';
import { counted, TASKS } from '../../protocol/index.ts';
import { areFewRows, label_templates, type StrategyKind, suggestedTemplates, WrongKey } from './kind.ts';

/** More make the encoder learn a few rows by heart (bench/NOTES.md, “Few rows”). */
const MAX_STEPS = 64;
/** With so many rows of each class there is more to learn, and twice the steps learn it (same notes). */
const MORE_ROWS = 32;

/** Steps, and how often a row takes part so that they are reached. */
const lengthFor = (rows: number | undefined, classes: number | undefined) => {
  const by = rows && classes && rows >= MORE_ROWS * classes ? 2 : 1;
  return { num_iterations: by * 20, batch_size: 16, max_steps: by * MAX_STEPS };
};

const schema = z.strictObject({
  type: z
    .literal('few-shot')
    .describe(
      'For few rows (SetFit): the encoder learns from pairs of rows whether they are of one class, then a classifier is solved on its embeddings.',
    ),
  num_iterations: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(20)
    .describe('How often each training row takes part in a step.'),
  batch_size: z
    .number()
    .int()
    .min(4)
    .max(1024)
    .default(16)
    .describe('Texts in one optimiser step, in which every two are compared: 16 are 120 pairs.'),
  max_steps: z
    .number()
    .int()
    .min(-1)
    .default(MAX_STEPS)
    .describe('Optimiser steps at most, however often that lets each row take part; −1 for any number.'),
  body_learning_rate: z.number().positive().default(2e-5).describe('Peak learning rate of the encoder.'),
  warmup_proportion: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe('Share of the steps during which the learning rate rises from 0; after it, it falls to 0 in a line.'),
  label_templates,
});

/** Sentence embeddings by contrastive pairs, and a classifier on them (SetFit; Tunstall et al. 2022, arXiv:2209.11055). */
export const fewShot: StrategyKind<z.infer<typeof schema>> = {
  schema,
  title: 'Learn from pairs, for few rows',
  detail: () =>
    'The encoder learns from pairs which rows belong together, then the classifier is solved. The most accurate for a few rows of each class.',
  suggest: (facts, rows) => ({
    ...{ type: 'few-shot', ...lengthFor(rows, facts.classes) },
    ...{ body_learning_rate: 2e-5, warmup_proportion: 0.1 },
    ...suggestedTemplates(facts, rows),
  }),
  isRecommended: areFewRows,
  reason: (rows, facts) =>
    areFewRows(rows, facts)
      ? `with about ${counted(Math.round(rows / facts.classes!), 'row')} of each class, pairs teach more than single rows`
      : undefined,
  needsClassifier: true,
  // One class for each text is what two may have in common.
  notFor: TASKS.map(({ name }) => name).filter((name) => name !== 'text-classification'),
  needsEncoder: true,
  embeds: () => true,
  pairs: (strategy) => strategy,
  trained(_, { answers, reading, canEmbed, numLayers }, phase) {
    if (!canEmbed) {
      throw new WrongKey(
        'type',
        'strategy.type is "few-shot", which learns how texts are embedded: that takes an encoder that classifies whole texts.',
        'Use {"type": "lora"} or {"type": "full"}.',
        'lora',
      );
    }
    // Then the last layer pools, and was not learnt.
    const layers = reading === 'mean' ? numLayers - 1 : numLayers;
    return ({ name, place }) =>
      place === 'head' ? phase !== 0 && answers.includes(name) : phase !== 1 && place < layers;
  },
  // Pairs teach the encoder; behind the last step the classifier is solved.
  phases: (_, __, { total }) => [0, total],
};
