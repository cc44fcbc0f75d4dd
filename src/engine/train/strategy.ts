import type { Strategy } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import type { Encoder } from '../models/registry.ts';

/**
 * Which parameters a strategy trains.
 * @throws LuthierError `recipe-invalid` when it freezes layers that the model does not have
 */
export function isTrainedBy(strategy: Strategy, encoder: Encoder): (name: string) => boolean {
  switch (strategy.type) {
    case 'full':
      return () => true;
    case 'head':
      return (name) => encoder.placeOf(name) === 'head';
    case 'freeze': {
      const frozen = strategy.num_frozen_layers;
      if (frozen > encoder.numLayers) {
        throw new LuthierError(
          'recipe-invalid',
          `strategy.num_frozen_layers is ${frozen}, but the model has ${encoder.numLayers} layers.`,
          `Set it to ${encoder.numLayers} or less; {"type": "head"} trains what comes after them alone.`,
        );
      }
      return (name) => {
        const place = encoder.placeOf(name);
        return place === 'head' || place >= frozen;
      };
    }
  }
}
