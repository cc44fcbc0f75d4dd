import * as tf from '@tensorflow/tfjs-core';
import { defineOp, type Op } from './define.ts';

export const PICK = 'luthier.Pick';
export const PUT = 'luthier.Put';

const noGradient = (): never => {
  throw new Error('picking and putting are for gradients written by hand: they have none of their own');
};

/** Row and column of one number in each row, `[N, 2]`. */
const places = (columns: tf.Tensor): tf.Tensor2D =>
  tf.stack([tf.range(0, columns.shape[0]!, 1, 'int32'), columns], 1) as tf.Tensor2D;

export type Pick = Op<'x' | 'columns'>;
export type Put = Op<'x' | 'columns' | 'values'>;

const pickOp = defineOp<Pick>({
  name: PICK,
  compose: ({ x, columns }) => tf.gatherND(x, places(columns)),
  inputsToSave: [],
  gradient: noGradient,
});

const putOp = defineOp<Put>({
  name: PUT,
  compose: ({ x, columns, values }) => tf.tensorScatterUpdate(x, places(columns), values),
  inputsToSave: [],
  gradient: noGradient,
});

/** One number of each row: `x[i, columns[i]]` of `[N, C]` -> `[N]`. */
export const pick = (x: tf.Tensor, columns: tf.Tensor): tf.Tensor1D => pickOp({ x, columns })[0] as tf.Tensor1D;

/** `x` `[N, C]` with one number of each row replaced: `x[i, columns[i]] = values[i]`. */
export const put = (x: tf.Tensor, columns: tf.Tensor, values: tf.Tensor): tf.Tensor2D =>
  putOp({ x, columns, values })[0] as tf.Tensor2D;
