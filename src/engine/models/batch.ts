import type { TensorSpec } from '../executors/executor.ts';

/**
 * Shape of a packed batch: `rows` rows of `length` tokens that hold up to `texts` texts. Several short texts share a
 * row and do not see each other; with one text a row it is an ordinary padded batch.
 */
export interface BatchShape {
  rows: number;
  length: number;
  texts: number;
}

/** What an encoder with a classifier is fed. Everything is int32; T = rows · length. */
export const batchSpecs = ({ rows, length, texts }: BatchShape) =>
  ({
    /** Token ids, the pad id where there is no token. */
    input_ids: { shape: [rows * length], dtype: 'int32' },
    /** 0 for the first text of a pair, 1 for the second. */
    token_type_ids: { shape: [rows * length], dtype: 'int32' },
    /** Place of each token in its own text. */
    position_ids: { shape: [rows * length], dtype: 'int32' },
    /** 1-based number of the text that a token belongs to; 0 for padding. */
    text_ids: { shape: [rows * length], dtype: 'int32' },
    /** Index among all T tokens of each text's first token ([CLS]); -1 where there is no text. */
    first_token: { shape: [texts], dtype: 'int32' },
  }) as const satisfies Record<string, TensorSpec>;

/** What the loss is fed beside. */
export const labelSpecs = ({ texts }: BatchShape) =>
  ({
    labels: { shape: [texts], dtype: 'int32' },
    /** One over the number of texts in the optimiser step; 0 for texts that are not there. */
    weights: { shape: [texts], dtype: 'float32' },
  }) as const satisfies Record<string, TensorSpec>;
