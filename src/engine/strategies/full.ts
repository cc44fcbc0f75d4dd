import { z } from 'zod';
import { MOST_ROWS_IN_FULL, type StrategyKind } from './kind.ts';

const schema = z.strictObject({ type: z.literal('full').describe('Train every parameter.') });

export const full: StrategyKind<z.infer<typeof schema>> = {
  schema,
  title: 'Fine-tune everything',
  detail: () => 'All layers learn. The most accurate, and the slowest.',
  suggest: () => ({ type: 'full' }),
  isRecommended: (rows, { isDecoder }) => !isDecoder && rows <= MOST_ROWS_IN_FULL,
  trained: () => () => true,
};
