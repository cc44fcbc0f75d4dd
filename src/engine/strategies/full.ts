import { z } from 'zod';
import {
  areFewRows,
  isSmallWriter,
  layerwise_lr_decay,
  layerwiseRate,
  MOST_ROWS_IN_FULL,
  type StrategyKind,
} from './kind.ts';

const schema = z.strictObject({
  type: z.literal('full').describe('Train every parameter.'),
  layerwise_lr_decay,
});

export const full: StrategyKind<z.infer<typeof schema>> = {
  schema,
  title: 'Fine-tune everything',
  detail: (_, facts) =>
    facts && isSmallWriter(facts)
      ? 'All layers learn: in a decoder this small, adapters learn much less.'
      : 'All layers learn. The most accurate, and the slowest.',
  suggest: () => ({ type: 'full' }),
  isRecommended: (rows, facts) =>
    facts.isDecoder ? isSmallWriter(facts) : rows <= MOST_ROWS_IN_FULL && !areFewRows(rows, facts),
  // That of the examples' recipes.
  learningRate: (facts) => (isSmallWriter(facts) ? 5e-4 : undefined),
  trained: () => () => true,
  rate: (strategy, model) => layerwiseRate(strategy.layerwise_lr_decay, model),
};
