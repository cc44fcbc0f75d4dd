import { z } from 'zod';
import type { StrategyKind } from './kind.ts';

const schema = z.strictObject({
  type: z.literal('bitfit').describe('Train only the biases, the pooler and the classifier (BitFit).'),
});

/** BitFit (Ben Zaken et al. 2021): of the pretrained parameters the biases alone learn, a thousandth of them all. */
export const bitfit: StrategyKind<z.infer<typeof schema>> = {
  schema,
  title: 'BitFit',
  detail: () => 'Only biases and the classifier learn. Faster, and little to store.',
  suggest: () => ({ type: 'bitfit' }),
  needsClassifier: true,
  isVariant: true,
  // The largest of the rates that the paper searches.
  learningRate: () => 1e-3,
  trained:
    () =>
    ({ name, place }) =>
      place === 'head' || name.endsWith('.bias'),
};
