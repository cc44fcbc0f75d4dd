import { counted, type Strategy } from '../../protocol/index.ts';
import { LuthierError } from '../errors.ts';
import { declarationOf, type Encoder, moduleOf, modulesOf } from '../models/encoder.ts';
import { withLora } from '../models/lora.ts';

/**
 * The encoder as a strategy changes it.
 * @param isStored whether the model comes with a parameter. Of the head LoRA trains what the task has put behind the
 *   base model, as peft does, and what the model comes without: peft would leave that as random as it begins.
 * @throws LuthierError `recipe-invalid` when target_modules name a layer that the model does not have
 */
export function encoderFor(
  strategy: Strategy,
  encoder: Encoder,
  isStored: (name: string) => boolean = () => true,
): Encoder {
  if (strategy.type !== 'lora') return encoder;
  const declared = declarationOf(encoder);
  const modulesToSave = modulesOf(declared).filter((module) => {
    const isOwn = module.startsWith(`${encoder.prefix}.`);
    return declared.parameters.get(`${module}.weight`)!.place === 'head' && !(isOwn && isStored(`${module}.weight`));
  });
  return withLora(encoder, strategy, modulesToSave);
}

/** Whether training steps may compute a parameter's layer in 8 bits: linear layers of the encoder that are frozen. */
export function isHeldIn8Bit(strategy: Strategy, encoder: Encoder): (name: string) => boolean {
  if (!('load_in_8bit' in strategy && strategy.load_in_8bit)) return () => false;
  const isTrained = isTrainedBy(strategy, encoder);
  const { parameters } = declarationOf(encoder);
  return (name) => {
    const { layout, place } = parameters.get(name)!;
    return layout !== undefined && place !== 'head' && !isTrained(name);
  };
}

/**
 * Which parameters a strategy trains.
 * @param encoder as `encoderFor` gives it
 * @throws LuthierError `recipe-invalid` when it freezes layers that the model does not have
 */
export function isTrainedBy(strategy: Strategy, encoder: Encoder): (name: string) => boolean {
  const { parameters } = declarationOf(encoder);
  const placeOf = (name: string) => parameters.get(name)!.place;
  switch (strategy.type) {
    case 'full':
      return () => true;
    case 'head':
      return (name) => placeOf(name) === 'head';
    case 'lora': {
      const trained = new Set(encoder.adapters?.modulesToSave);
      return (name) => parameters.get(name)!.isAdapter === true || trained.has(moduleOf(name));
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
        const place = placeOf(name);
        return place === 'head' || place >= frozen;
      };
    }
  }
}
