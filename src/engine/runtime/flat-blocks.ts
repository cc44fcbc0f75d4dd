import * as tf from '@tensorflow/tfjs-core';
import { type Shape, sizeOf } from '../tensor/executors/executor.ts';
import type { ParameterGroup } from './parameter-store.ts';

/** Numbers in a row of a block. Sums are taken row by row and then over rows: in one go float32 would lose digits. */
export const ROW = 1024;

/** A trained parameter as it is laid out. */
export interface Flattened {
  readonly name: string;
  readonly shape: Shape;
  readonly group: ParameterGroup;
}

/** A part of a parameter in a block: `count` of its numbers, `from` on, lie from the block's number `at` on. */
export interface Piece {
  readonly name: string;
  readonly from: number;
  readonly at: number;
  readonly count: number;
}

/**
 * Trained parameters one after the other in `rows` rows of `ROW` numbers, and likewise their moments and gradients: what a
 * device does to all of them at once. A group begins a row; what is left of its last row is zero.
 */
export interface Block {
  readonly name: string;
  readonly rows: number;
  /** Whose rows follow one another. All are trained in the same phases of the run. */
  readonly groups: readonly { readonly group: ParameterGroup; readonly rows: number }[];
  readonly pieces: readonly Piece[];
}

/**
 * Lays parameters out, group after group, those of the same phases in as few blocks as will do. A parameter that does not
 * fit in what is left of a block goes on in the next.
 * @param largestBinding bytes that a block may have
 */
export function flatBlocks(parameters: readonly Flattened[], largestBinding = Number.POSITIVE_INFINITY): Block[] {
  const most = Math.max(1, Math.floor(largestBinding / (Float32Array.BYTES_PER_ELEMENT * ROW)));
  const blocks: Block[] = [];
  for (const together of grouped(parameters, ({ group }) => String(group.phases))) {
    // First on one line, which is then cut.
    const line: { name: string; start: number; end: number }[] = [];
    const groups: { group: ParameterGroup; start: number; end: number }[] = [];
    let end = 0;
    for (const members of grouped(together, ({ group }) => group)) {
      const start = end;
      for (const { name, shape } of members) {
        line.push({ name, start: end, end: end + sizeOf(shape) });
        end += sizeOf(shape);
      }
      end = Math.ceil(end / ROW) * ROW;
      groups.push({ group: members[0]!.group, start, end });
    }
    const count = Math.ceil(end / ROW / most);
    const length = Math.ceil(end / ROW / count) * ROW;
    for (let first = 0; first < end; first += length) {
      const last = Math.min(end, first + length);
      blocks.push({
        name: `flat:${blocks.length}`,
        rows: (last - first) / ROW,
        groups: within(groups, first, last).map(({ group, from, to }) => ({ group, rows: (to - from) / ROW })),
        pieces: within(line, first, last).map(({ name, start, from, to }) => ({
          ...{ name, from: from - start, at: from - first, count: to - from },
        })),
      });
    }
  }
  return blocks;
}

/** What of ranges lies between two places. */
function within<T extends { start: number; end: number }>(ranges: readonly T[], first: number, last: number) {
  return ranges
    .map((range) => ({ ...range, from: Math.max(range.start, first), to: Math.min(range.end, last) }))
    .filter(({ from, to }) => from < to);
}

/** The phases of the run that train what a block holds. */
export const phasesOf = ({ groups }: Block): readonly number[] => groups[0]!.group.phases;

/** What each block holds, in arrays of the device's: parameters, moments or gradients, by the arrays of each parameter. */
export function gather({ pieces }: Block, arrayOf: (name: string) => Float32Array, into: Float32Array): void {
  into.fill(0);
  for (const { name, from, at, count } of pieces) into.set(arrayOf(name).subarray(from, from + count), at);
}

/** The reverse of `gather`. */
export function scatter({ pieces }: Block, numbers: Float32Array, arrayOf: (name: string) => Float32Array): void {
  for (const { name, from, at, count } of pieces) arrayOf(name).set(numbers.subarray(at, at + count), from);
}

/**
 * The same within a program: tensors by name -> the block's numbers `[rows · ROW]`.
 * @param tensorsOf those that a parameter's numbers lie in, one after the other
 */
export function concatenated({ pieces, rows }: Block, tensorsOf: (name: string) => readonly tf.Tensor[]): tf.Tensor1D {
  const parts: tf.Tensor1D[] = [];
  let end = 0;
  const fill = (upTo: number) => {
    if (upTo > end) parts.push(tf.zeros([upTo - end]));
  };
  for (const { name, from, at, count } of pieces) {
    fill(at);
    let start = 0;
    for (const tensor of tensorsOf(name)) {
      const [first, last] = [Math.max(from, start), Math.min(from + count, start + tensor.size)];
      if (first < last) {
        const flat = tf.reshape(tensor, [-1]) as tf.Tensor1D;
        parts.push(last - first === flat.size ? flat : tf.slice(flat, [first - start], [last - first]));
      }
      start += tensor.size;
    }
    end = at + count;
  }
  fill(rows * ROW);
  return parts.length === 1 ? parts[0]! : tf.concat(parts);
}

function grouped<T>(items: Iterable<T>, keyOf: (item: T) => unknown): T[][] {
  const groups = new Map<unknown, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups.values()];
}
