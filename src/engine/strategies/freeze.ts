import { z } from 'zod';
import { counted } from '../../protocol/index.ts';
import {
  layerwise_lr_decay,
  layerwiseRate,
  MOST_ROWS_IN_FULL,
  quantization,
  type StrategyKind,
  suggestedIn8Bit,
  WrongKey,
} from './kind.ts';

const schema = z.strictObject({
  type: z.literal('freeze').describe('Freeze the embeddings and the lowest layers; train the rest.'),
  num_frozen_layers: z.number().int().min(1).max(1000).describe('Number of lowest layers to freeze.'),
  layerwise_lr_decay,
  ...quantization,
});

export const freeze: StrategyKind<z.infer<typeof schema>> = {
  schema,
  title: 'Freeze the lower layers',
  detail: ({ num_frozen_layers: frozen }) =>
    `The lower ${counted(frozen, 'layer')} ${frozen === 1 ? 'keeps its' : 'keep their'} weights. Faster, nearly as accurate.`,
  suggest: (facts) => ({
    ...{ type: 'freeze', num_frozen_layers: Math.max(1, Math.floor(facts.layers / 2)) },
    ...suggestedIn8Bit(facts),
  }),
  isRecommended: (rows, { isDecoder }) => !isDecoder && rows > MOST_ROWS_IN_FULL,
  trained({ num_frozen_layers: frozen }, { numLayers }) {
    if (frozen > numLayers) {
      throw new WrongKey(
        'num_frozen_layers',
        `strategy.num_frozen_layers is ${frozen}, but the model has ${counted(numLayers, 'layer')}.`,
        `Set it to ${numLayers} or less. To train only what comes after the layers, use {"type": "head"}.`,
        numLayers,
      );
    }
    return ({ place }) => place === 'head' || place >= frozen;
  },
  rate: (strategy, model) => layerwiseRate(strategy.layerwise_lr_decay, model),
};
