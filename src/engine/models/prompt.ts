import * as tf from '@tensorflow/tfjs-core';
import { matMul } from '../tensor/ops/index.ts';
import type { Architecture, Prompt } from './architecture.ts';
import { numbers } from './batch.ts';
import { decorate, type Scope } from './scope.ts';

/** peft's name of what is learnt, in its files. */
export const PROMPT_EMBEDDINGS = 'prompt_embeddings';

/**
 * An architecture that reads virtual tokens in front of each text, whose embeddings are learnt (Lester et al. 2021,
 * prompt tuning). They are tokens like others: they have positions, the first token type, and attend, and an encoder's
 * head reads the first of them, all as peft has it. In a batch they are ids from the vocabulary's size on
 * (`virtualIds`), so that whatever makes batches only puts them in front.
 */
export function withPrompt(architecture: Architecture, prompt: Prompt): Architecture {
  const { vocabSize, maxPositions } = architecture;
  const { num_virtual_tokens: P, beginsWith } = prompt;
  return {
    ...architecture,
    prompt,
    virtualIds: Array.from({ length: P }, (_, i) => vocabSize + i),
    // Of a text: what the prompt leaves.
    maxPositions: maxPositions - P,
    // transformers, which is given embeddings and no ids, finds none among them.
    padTokenId: undefined,
    states: (scope, batch) => {
      const own = tf.sub(batch.input_ids, tf.scalar(vocabSize, 'int32'));
      const isWord = tf.less(own, tf.scalar(0, 'int32'));
      const words = tf.mul(batch.input_ids, tf.cast(isWord, 'int32')) as tf.Tensor1D;
      const share = tf.reshape(tf.cast(isWord, 'float32'), [-1, 1]); // (T, 1)
      const isOwn = tf.equal(tf.reshape(own, [-1, 1]), tf.reshape(numbers(P, 0), [1, P])); // (T, P)
      const embedding =
        (inner: Scope): Scope['embedding'] =>
        (name, ids, rows, width) => {
          if (ids !== batch.input_ids) return inner.embedding(name, ids, rows, width);
          // As torch.nn.Embedding begins, or with words of the model's own.
          const init = beginsWith ? { rows: beginsWith, of: inner.nameOf(`${name}.weight`) } : { normal: 1 };
          const table = scope.at('', -1).parameter(PROMPT_EMBEDDINGS, [P, width], init, { isAdapter: true });
          const embedded = tf.mul(inner.embedding(name, words, rows, width), share);
          return tf.add(embedded, matMul(tf.cast(isOwn, 'float32'), table)) as tf.Tensor2D;
        };
      return architecture.states(
        decorate(scope, (inner) => ({ embedding: embedding(inner) })),
        batch,
      );
    },
  };
}
