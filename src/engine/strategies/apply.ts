import type { Strategy } from '../../protocol/index.ts';
import { type Architecture, answerNames, declarationOf, type Held, isLayerWeight } from '../models/architecture.ts';
import { withLora } from '../models/lora.ts';
import { withPrefix } from '../models/prefix.ts';
import { withPrompt } from '../models/prompt.ts';
import type { HeldBits } from '../tensor/executors/executor.ts';
import { kindOf, WrongKey } from './index.ts';
import type { Beginning, Model, RunLength } from './kind.ts';
import { Phases } from './phases.ts';

const modelOf = (architecture: Architecture): Model => ({
  numLayers: architecture.numLayers,
  prefix: architecture.prefix,
  parameters: declarationOf(architecture).parameters,
  hasOwnHead: architecture.outputs !== undefined,
  loraTargets: architecture.loraTargets,
  positions: architecture.maxPositions,
  readsEveryToken: architecture.reads === 'all',
  keyValueWidth: architecture.keyValue.heads * architecture.keyValue.width,
  answers: answerNames(architecture),
  reading: architecture.reading,
  canEmbed: architecture.reads === 'first',
  adapters: architecture.adapters,
  prompt: architecture.prompt,
});

/**
 * The architecture with what a strategy adds.
 * @param isStored whether the model comes with a parameter
 * @param beginning where a run begins with it
 * @throws WrongKey where a key of the strategy does not fit the model
 */
export function architectureFor(
  strategy: Strategy,
  architecture: Architecture,
  isStored: (name: string) => boolean = () => true,
  beginning?: Beginning,
): Architecture {
  const kind = kindOf(strategy);
  const model = modelOf(architecture);
  const adapters = kind.adapters?.(strategy, model, isStored);
  if (adapters) return withLora(architecture, adapters);
  const prompt = kind.prompt?.(strategy, model, isStored, beginning);
  if (!prompt) return architecture;
  return prompt.isPrefix ? withPrefix(architecture, prompt) : withPrompt(architecture, prompt);
}

/**
 * Which parameters a strategy trains in any of its phases.
 * @param architecture as `architectureFor` gives it
 * @throws WrongKey where a key of the strategy does not fit the model, or where it would train nothing
 */
export function isTrainedBy(strategy: Strategy, architecture: Architecture): (name: string) => boolean {
  const model = modelOf(architecture);
  const isTrained = kindOf(strategy).trained(strategy, model);
  if (![...model.parameters.values()].some(isTrained)) {
    throw new WrongKey(
      'type',
      `strategy.type is "${strategy.type}", which would train nothing of this model: it has no classifier.`,
      'Use {"type": "lora"} or {"type": "full"}.',
      'lora',
    );
  }
  return (name) => isTrained(model.parameters.get(name)!);
}

/**
 * Which parameters each phase trains. The phase comes first, so that no list's `filter` passes its index for one.
 * @throws WrongKey as isTrainedBy
 */
export function isTrainedIn(strategy: Strategy, architecture: Architecture): (phase: number, name: string) => boolean {
  isTrainedBy(strategy, architecture);
  const model = modelOf(architecture);
  const kind = kindOf(strategy);
  return (phase, name) => kind.trained(strategy, model, phase)(model.parameters.get(name)!);
}

/** The phases of a run of this length. */
export const phasesOf = (strategy: Strategy, architecture: Architecture, run: RunLength): Phases =>
  new Phases(kindOf(strategy).phases?.(strategy, modelOf(architecture), run));

/** What to say of a run of this length before it starts. */
export const tooShortFor = (strategy: Strategy, architecture: Architecture, run: RunLength): string | null =>
  kindOf(strategy).tooShort?.(strategy, modelOf(architecture), run) ?? null;

/** Each parameter's learning rate over the run's. */
export function rateOf(strategy: Strategy, architecture: Architecture): (name: string) => number {
  const model = modelOf(architecture);
  const rate = kindOf(strategy).rate?.(strategy, model);
  return (name) => rate?.(model.parameters.get(name)!) ?? 1;
}

/** Bits that a strategy wants frozen layers in, where not in float. */
export const bitsOf = ({ load_in_8bit, load_in_4bit }: Strategy): HeldBits | undefined =>
  load_in_4bit ? 4 : load_in_8bit ? 8 : undefined;

/** What training steps may compute with in fewer bits, where the strategy asks for that: linear layers that are frozen. */
export function heldBy(strategy: Strategy, architecture: Architecture): Held | undefined {
  const bits = bitsOf(strategy);
  if (bits === undefined) return undefined;
  const isTrained = isTrainedBy(strategy, architecture);
  const isLayers = isLayerWeight(architecture);
  return { bits, has: (name) => isLayers(name) && !isTrained(name) };
}
