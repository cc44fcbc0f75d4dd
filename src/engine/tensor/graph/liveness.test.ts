import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { record } from '../record/recorder.ts';
import { peakBytes } from './liveness.ts';

const x = { x: { shape: [1000], dtype: 'float32' } } as const;

test('a chain holds two links at a time beside its input and output', () => {
  const graph = record(({ x }) => ({ y: tf.exp(tf.neg(tf.exp(tf.neg(x!)))) }), x);
  expect(peakBytes(graph)).toBe(4000 * (2 + 2));
});

test('what is read again later is held until then', () => {
  const graph = record(({ x }) => {
    const first = tf.neg(x!);
    return { y: tf.add(tf.exp(tf.exp(tf.exp(first))), first) };
  }, x);
  expect(peakBytes(graph)).toBe(4000 * (2 + 3));
});

/** Two of two int64 numbers. */
const CONSTANT_SHAPES = 32;

test('reshapes cost nothing, also on the way to an output', () => {
  const graph = record(({ x }) => ({ y: tf.reshape(tf.neg(tf.reshape(x!, [10, 100])), [100, 10]) }), x);
  expect(peakBytes(graph)).toBe(4000 * 2 + CONSTANT_SHAPES);
});
