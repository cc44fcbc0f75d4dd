import * as tf from '@tensorflow/tfjs-core';

/**
 * Value of `f` and its gradient with respect to each named parameter. `f` may hand out further tensors by
 * `keep`, which then outlive the tape.
 * @param factor of the gradients; 1 by default
 */
export function valueAndGrads(
  f: (parameters: Record<string, tf.Tensor>, keep: (name: string, tensor: tf.Tensor) => void) => tf.Scalar,
  parameters: Record<string, tf.Tensor>,
  factor?: tf.Scalar,
): { value: tf.Scalar; grads: Record<string, tf.Tensor>; kept: Record<string, tf.Tensor> } {
  const names = Object.keys(parameters);
  const kept: Record<string, tf.Tensor> = {};
  const { value, grads } = tf.engine().gradients<tf.Scalar>(
    () =>
      f(parameters, (name, tensor) => {
        kept[name] = tf.keep(tensor);
      }),
    names.map((name) => parameters[name]!),
    factor,
  );
  return { value, grads: Object.fromEntries(names.map((name, i) => [name, grads[i]!])), kept };
}
