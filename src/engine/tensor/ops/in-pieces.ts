// Matrices whose rows lie in several tensors, one after the other, because a device cannot bind them whole.
import * as tf from '@tensorflow/tfjs-core';
import { embedding } from './embedding.ts';
import { matMul } from './matmul.ts';

/** Rows at `ids` `[N]` (int32) of a table in pieces `[Vi, H]` -> `[N, H]`, the same bits as of the table whole. */
export function embeddingInPieces(pieces: readonly tf.Tensor2D[], ids: tf.Tensor1D): tf.Tensor2D {
  let from = 0;
  const rows = pieces.map((piece) => {
    const end = from + piece.shape[0];
    const own = tf.logicalAnd(tf.greaterEqual(ids, int(from)), tf.less(ids, int(end)));
    // Of a row that is elsewhere, the piece's first is read, and comes to nothing.
    const at = tf.mul(tf.sub(ids, int(from)), tf.cast(own, 'int32')) as tf.Tensor1D;
    from = end;
    return tf.mul(embedding(piece, at), tf.expandDims(tf.cast(own, 'float32'), 1));
  });
  return rows.reduce((sum, x) => tf.add(sum, x)) as tf.Tensor2D;
}

/**
 * `x · weightᵀ`, `[M, K]` by a weight in pieces `[Ni, K]` -> `[M, N]`; or without `transposeB` `x · weight`, by one in pieces
 * `[Ki, N]`.
 */
export function productInPieces(
  x: tf.Tensor2D,
  pieces: readonly tf.Tensor2D[],
  { transposeB }: { transposeB: boolean },
): tf.Tensor2D {
  if (pieces.length === 1) return matMul(x, pieces[0]!, { transposeB }) as tf.Tensor2D;
  if (transposeB)
    return tf.concat(
      pieces.map((piece) => matMul(x, piece, { transposeB }) as tf.Tensor2D),
      1,
    );
  let from = 0;
  const products = pieces.map((piece) => {
    const columns = tf.slice(x, [0, from], [x.shape[0], piece.shape[0]]);
    from += piece.shape[0];
    return matMul(columns, piece);
  });
  return products.reduce((sum, y) => tf.add(sum, y)) as tf.Tensor2D;
}

const int = (value: number) => tf.scalar(value, 'int32');
