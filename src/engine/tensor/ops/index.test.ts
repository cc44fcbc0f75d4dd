import { expect, it } from 'vitest';

// In a file of its own: what a process imports first is what this is about.
it('gradients are tfjs-core’s where these ops are imported before it', async () => {
  const { valueAndGrads } = await import('./index.ts');
  const tf = await import('@tensorflow/tfjs-core');
  const { createOnnxRuntimeExecutor } = await import('../executors/onnxruntime.ts');
  const executor = await createOnnxRuntimeExecutor({ numThreads: 1 });
  const compiled = await executor.compile(
    (given) => {
      // The gradient of addN clones, which tensors leave to a handler that tfjs-core sets.
      const { value, grads } = valueAndGrads(({ x }) => tf.sum(tf.square(tf.addN([x!, x!]))), { x: given.x! });
      return { loss: value, dx: grads.x! };
    },
    { x: { shape: [2], dtype: 'float32' } },
  );
  const [loss, dx] = [new Float32Array(1), new Float32Array(2)];
  await compiled.run({ x: Float32Array.of(1, -2) }, { loss, dx });
  expect([...loss, ...dx]).toEqual([20, 8, -16]);
  compiled.dispose();
  executor.dispose();
});
