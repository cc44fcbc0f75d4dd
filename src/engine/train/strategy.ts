import { counted, type Strategy } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { isLoraName, withLora } from '../models/lora.ts';
import type { Encoder } from '../models/registry.ts';

/**
 * The encoder as a strategy changes it.
 * @param isStored whether the model comes with a parameter. Of the head LoRA trains the classifier, as peft does, and
 *   what the model comes without: peft would leave that as random as it begins.
 * @throws LuthierError `recipe-invalid` when target_modules name a layer that the model does not have
 */
export function encoderFor(
  strategy: Strategy,
  encoder: Encoder,
  isStored: (name: string) => boolean = () => true,
): Encoder {
  if (strategy.type !== 'lora') return encoder;
  const modules = Object.keys(encoder.linearInputs({ rows: 1, length: 1, texts: 1 }));
  const modulesToSave = modules.filter(
    (module) => encoder.placeOf(module) === 'head' && (module === 'classifier' || !isStored(`${module}.weight`)),
  );
  return withLora(encoder, strategy, modulesToSave);
}

/** Whether training steps may compute a parameter's layer in 8 bits: linear layers of the encoder that are frozen. */
export function isHeldIn8Bit(strategy: Strategy, encoder: Encoder): (name: string) => boolean {
  if (!('load_in_8bit' in strategy && strategy.load_in_8bit)) return () => false;
  const isTrained = isTrainedBy(strategy, encoder);
  const weights = new Set(
    Object.keys(encoder.linearInputs({ rows: 1, length: 1, texts: 1 })).map((module) => `${module}.weight`),
  );
  return (name) => weights.has(name) && !isTrained(name) && encoder.placeOf(name) !== 'head';
}

/**
 * Which parameters a strategy trains.
 * @param encoder as `encoderFor` gives it
 * @throws LuthierError `recipe-invalid` when it freezes layers that the model does not have
 */
export function isTrainedBy(strategy: Strategy, encoder: Encoder): (name: string) => boolean {
  switch (strategy.type) {
    case 'full':
      return () => true;
    case 'head':
      return (name) => encoder.placeOf(name) === 'head';
    case 'lora': {
      const trained = new Set(encoder.adapters?.modulesToSave);
      return (name) => isLoraName(name) || trained.has(name.slice(0, name.lastIndexOf('.')));
    }
    case 'freeze': {
      const frozen = strategy.num_frozen_layers;
      if (frozen > encoder.numLayers) {
        throw new LuthierError(
          'recipe-invalid',
          `strategy.num_frozen_layers is ${frozen}, but the model has ${counted(encoder.numLayers, 'layer')}.`,
          `Set it to ${encoder.numLayers} or less. To train only what comes after the layers, use {"type": "head"}.`,
        );
      }
      return (name) => {
        const place = encoder.placeOf(name);
        return place === 'head' || place >= frozen;
      };
    }
  }
}
