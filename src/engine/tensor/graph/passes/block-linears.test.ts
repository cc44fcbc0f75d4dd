import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { BlockForms, TensorSpec } from '../../executors/executor.ts';
import { linear, matMul, valueAndGrads } from '../../ops/index.ts';
import { record } from '../../record/recorder.ts';
import { checkGraph } from '../check.ts';
import { printGraph } from '../print.ts';
import { blockLinears } from './block-linears.ts';

const f32 = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });
const form = (name: string) => ({ values: name, scales: `${name} scales` });
const forms: BlockForms = { bits: 8, forward: 'rows', rows: form('rows'), columns: form('columns') };
const formsOf = (input: string) => (input === 'frozen' ? forms : undefined);
const lines = (of: ReturnType<typeof blockLinears>) => printGraph(of).split('\n');

describe('blockLinears', () => {
  it('multiplies by rows forward and by columns backward, and the matrix itself is no input any more', () => {
    const graph = record(
      ({ x, w, frozen, bias, scale }) => {
        const { value, grads } = valueAndGrads(
          (p) => tf.sum(tf.mul(linear(tf.mul(x!, p.w!) as tf.Tensor2D, frozen!, bias!), scale!)) as tf.Scalar,
          { w: w! },
        );
        return { loss: value, 'grad:w': grads.w! };
      },
      { x: f32(4, 64), w: f32(4, 64), frozen: f32(32, 64), bias: f32(32), scale: f32(4, 32) },
    );
    const narrow = blockLinears(graph, formsOf);
    checkGraph(narrow, 'test');
    expect(narrow.inputs).toEqual(['x', 'w', 'bias', 'scale', 'rows', 'rows scales', 'columns', 'columns scales']);
    expect(lines(narrow).filter((line) => /input %(rows|columns)|NBits/.test(line))).toEqual([
      'input %rows:u8[32,2,32]',
      'input %rows scales:f32[64]',
      'input %columns:u8[64,1,32]',
      'input %columns scales:f32[64]',
      expect.stringMatching(
        /f32\[4,32\] = MatMulNBits\(%v\d+, %rows, %rows scales, _, _, %bias\) {K=64, N=32, bits=8, block_size=32, accuracy_level=0}/,
      ),
      expect.stringMatching(
        /f32\[4,64\] = MatMulNBits\(%v\d+, %columns, %columns scales\) {K=32, N=64, bits=8, block_size=32, accuracy_level=0}/,
      ),
    ]);
  });

  it('takes a weight that lies the other way round by its columns', () => {
    const graph = record(({ x, frozen }) => ({ y: matMul(x!, frozen!) }), { x: f32(4, 32), frozen: f32(32, 64) });
    expect(lines(blockLinears(graph, formsOf)).slice(1, 4)).toEqual([
      'input %columns:u8[64,1,32]',
      'input %columns scales:f32[64]',
      expect.stringContaining('MatMulNBits(%x, %columns, %columns scales) {K=32, N=64'),
    ]);
  });

  it('refuses what reads such a matrix otherwise', () => {
    const graph = record(({ x, frozen }) => ({ y: tf.mul(x!, frozen!) }), { x: f32(32, 64), frozen: f32(32, 64) });
    expect(() => blockLinears(graph, formsOf)).toThrow('frozen is there in blocks alone, which Mul cannot read');
  });

  it('leaves a graph without such matrices as it is', () => {
    const graph = record(({ x }) => ({ y: tf.neg(x!) }), { x: f32(2) });
    expect(blockLinears(graph, formsOf)).toBe(graph);
  });
});
