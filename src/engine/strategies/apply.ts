import type { Strategy } from '../../protocol/index.ts';
import { declarationOf, type Encoder } from '../models/encoder.ts';
import { withLora } from '../models/lora.ts';
import { kindOf } from './index.ts';
import type { Model } from './kind.ts';
import { Phases } from './phases.ts';

const modelOf = (encoder: Encoder): Model => ({
  numLayers: encoder.numLayers,
  prefix: encoder.prefix,
  parameters: declarationOf(encoder).parameters,
  loraTargets: encoder.loraTargets,
  adapters: encoder.adapters,
});

/**
 * The encoder with what a strategy adds.
 * @param isStored whether the model comes with a parameter
 * @throws WrongKey where a key of the strategy does not fit the model
 */
export function encoderFor(
  strategy: Strategy,
  encoder: Encoder,
  isStored: (name: string) => boolean = () => true,
): Encoder {
  const adapters = kindOf(strategy).adapters?.(strategy, modelOf(encoder), isStored);
  return adapters ? withLora(encoder, adapters) : encoder;
}

/**
 * Which parameters a strategy trains in any of its phases.
 * @param encoder as `encoderFor` gives it
 * @throws WrongKey where a key of the strategy does not fit the model
 */
export function isTrainedBy(strategy: Strategy, encoder: Encoder): (name: string) => boolean {
  const model = modelOf(encoder);
  const isTrained = kindOf(strategy).trained(strategy, model);
  return (name) => isTrained(model.parameters.get(name)!);
}

/** Which parameters each phase trains. The phase comes first, so that no list's `filter` passes its index for one. */
export function isTrainedIn(strategy: Strategy, encoder: Encoder): (phase: number, name: string) => boolean {
  const model = modelOf(encoder);
  const kind = kindOf(strategy);
  return (phase, name) => kind.trained(strategy, model, phase)(model.parameters.get(name)!);
}

/** The phases of a run of so many steps. */
export const phasesOf = (strategy: Strategy, encoder: Encoder, totalSteps: number): Phases =>
  new Phases(kindOf(strategy).phases?.(strategy, modelOf(encoder), totalSteps));

/** Each parameter's learning rate over the run's. */
export function rateOf(strategy: Strategy, encoder: Encoder): (name: string) => number {
  const model = modelOf(encoder);
  const rate = kindOf(strategy).rate?.(strategy, model);
  return (name) => rate?.(model.parameters.get(name)!) ?? 1;
}

/** Whether training steps may compute a parameter's layer in 8 bits: linear layers of the encoder that are frozen. */
export function isHeldIn8Bit(strategy: Strategy, encoder: Encoder): (name: string) => boolean {
  if (strategy.load_in_8bit !== true) return () => false;
  const isTrained = isTrainedBy(strategy, encoder);
  const { parameters } = modelOf(encoder);
  return (name) => {
    const { layout, place } = parameters.get(name)!;
    return layout !== undefined && place !== 'head' && !isTrained(name);
  };
}
