import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';

type Embedding = Op<'table' | 'ids'>;

const run = defineOp<Embedding>({
  name: 'luthier.Embedding',
  compose: ({ table, ids }) => tf.gather(table, ids as tf.Tensor1D),
  inputsToSave: ['table', 'ids'],
  gradient: (dy, [table, ids]) => ({
    table: () => tf.unsortedSegmentSum(dy, ids as tf.Tensor1D, table!.shape[0]!),
  }),
});

/** Rows of `table` `[V, H]` at `ids` `[N]` (int32) -> `[N, H]`. */
export function embedding(table: tf.Tensor, ids: tf.Tensor1D): tf.Tensor2D {
  return run({ table, ids })[0] as tf.Tensor2D;
}
