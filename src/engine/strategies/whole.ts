import type { Model } from './kind.ts';

/** `a.b` for `a.b.weight`; models/architecture.ts has the same, with what computes. */
export const moduleOf = (parameter: string): string => parameter.slice(0, parameter.lastIndexOf('.'));

/** A linear layer that a strategy may leave as it is. */
export interface LinearModule {
  readonly name: string;
  readonly isHead: boolean;
}

/** The model's linear layers; a head that came with it is none of them. */
export const linearModules = ({ parameters, hasOwnHead }: Model): LinearModule[] =>
  [...parameters.values()].flatMap(({ name, layout, place }) =>
    layout && !(hasOwnHead && place === 'head') ? [{ name: moduleOf(name), isHead: place === 'head' }] : [],
  );

/**
 * Of these what is trained whole, as peft does (`modules_to_save`): what the task has put behind the base model, and what
 * the model comes without, which peft would leave as random as it begins.
 * @param isStored whether the model comes with a parameter
 */
export const trainedWhole = (model: Model, isStored: (name: string) => boolean): string[] =>
  linearModules(model)
    .filter(({ name, isHead }) => isHead && !(name.startsWith(`${model.prefix}.`) && isStored(`${name}.weight`)))
    .map(({ name }) => name);
