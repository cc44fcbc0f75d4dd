import type * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from './architecture.ts';
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
