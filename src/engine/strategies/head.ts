import { z } from 'zod';
import type { StrategyKind } from './kind.ts';

const schema = z.strictObject({
  type: z
    .literal('head')
    .describe("Train only the pooler and the classifier; the encoder's output is computed only once."),
});

export const head: StrategyKind<z.infer<typeof schema>> = {
  schema,
  title: 'Train the classifier only',
  detail: () => 'Everything else is computed once and reused. By far the fastest, the least accurate.',
  suggest: () => ({ type: 'head' }),
  needsClassifier: true,
  embeds: (strategy: { type: string; solver?: unknown }) => strategy.solver === 'lbfgs',
  // The rate of peft's examples: a lone classifier starts from nothing.
  learningRate: () => 1e-3,
  trained:
    () =>
    ({ place }) =>
      place === 'head',
};
