import type * as tf from '@tensorflow/tfjs-core';
import { type Architecture, declarationOf } from './architecture.ts';
import { decorate } from './scope.ts';

/**
 * The same architecture, which tells what goes into each of its linear layers.
 * @param hear is given the name of the layer's weight
 */
export const withLinearInputs = (
  architecture: Architecture,
  hear: (weight: string, x: tf.Tensor2D) => void,
): Architecture => ({
  ...architecture,
  scope: (source) =>
    decorate(architecture.scope(source), (inner) => ({
      linear: (name, x, ...rest) => {
        hear(inner.nameOf(`${name}.weight`), x);
        return inner.linear(name, x, ...rest);
      },
    })),
});

/**
 * Linear layers by the names of their weights, those together that read the same input.
 * @param isMeant which of them
 */
export function readersOfInputs(architecture: Architecture, isMeant: (weight: string) => boolean): string[][] {
  const groups = new Map<tf.Tensor, string[]>();
  const listening = withLinearInputs(architecture, (weight, x) => {
    if (isMeant(weight)) groups.set(x, [...(groups.get(x) ?? []), weight]);
  });
  declarationOf(listening);
  return [...groups.values()];
}
