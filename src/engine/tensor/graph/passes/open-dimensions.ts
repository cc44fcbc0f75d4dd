import { append } from '../../../../protocol/index.ts';
import { type Constant, type Graph, type Node, typeOf, type ValueType } from '../ir.ts';
import type { AttributesOf, Op } from '../operators.ts';
import { eliminateDeadNodes } from './dead-nodes.ts';

/** A dimension that an exported model leaves open: the size it was recorded with, and where the real one is read. */
export interface OpenDimension {
  readonly size: number;
  readonly input: string;
  readonly axis: number;
}

/**
 * Makes dimensions of a recorded graph open: every shape and bound that holds the size of one, or a multiple of it or of
 * the product of several, is computed from the inputs instead. Sizes must be recognisable, so record with primes that
 * divide nothing else (`unmistakable` finds some).
 *
 * The result's types stay those of the recording, and what was a constant no longer is one: tensor/graph/check.ts's rules
 * for constants do not hold for it, so that the exported model is checked by running it.
 */
export function openDimensions(graph: Graph, dimensions: readonly OpenDimension[]): Graph {
  const types = new Map(graph.types);
  const constants = new Map(graph.constants);
  const front: Node[] = [];
  const vector: ValueType = { shape: [1], dtype: 'int64' };
  const ints = (name: string, values: readonly number[]): string => {
    const constant: Constant = { shape: [values.length], dtype: 'int64', data: BigInt64Array.from(values, BigInt) };
    constants.set(name, constant);
    types.set(name, constant);
    return name;
  };
  const node = <O extends Op>(
    op: O,
    inputs: string[],
    output: string,
    type: ValueType,
    ...[given]: AttributesOf<O>
  ) => {
    types.set(output, type);
    front.push({ op, inputs, outputs: [output], attributes: given ?? {} } as Node);
    return output;
  };
  const sizeOfAxis = ({ input, axis }: OpenDimension, name: string) => {
    const rank = typeOf(graph, input).shape.length;
    const shape = node('Shape', [input], `${name}.shape`, { shape: [rank], dtype: 'int64' });
    return node('Gather', [shape, ints(`${name}.axis`, [axis])], name, vector, { axis: 0 });
  };
  // Sizes and their products, each with the value that holds the real one.
  const open = new Map<number, string>();
  for (const [i, dimension] of dimensions.entries()) {
    const own = sizeOfAxis(dimension, `open.${i}`);
    for (const [size, value] of [...open])
      open.set(size * dimension.size, node('Mul', [value, own], `${value}.${i}`, vector));
    open.set(dimension.size, own);
  }
  /** The value that holds the real one of what was recorded as `size`; undefined where nothing of it is open. */
  const opened = new Map<number, string>();
  const realOf = (size: number): string | undefined => {
    const known = open.get(size) ?? opened.get(size);
    if (known !== undefined || size <= 0) return known;
    const part = [...open.keys()].filter((it) => size % it === 0).sort((a, b) => b - a)[0];
    if (part === undefined) return undefined;
    const factor = ints(`open.factor.${size}`, [size / part]);
    opened.set(size, node('Mul', [open.get(part)!, factor], `open.multiple.${size}`, vector));
    return opened.get(size);
  };
  const renamed = new Map<string, string>();
  for (const [name, constant] of graph.constants) {
    if (constant.dtype !== 'int64') continue;
    const values = Array.from(constant.data, Number);
    if (!values.some((v) => realOf(v) !== undefined)) continue;
    const parts = values.map((v, i) => realOf(v) ?? ints(`${name}.${i}`, [v]));
    renamed.set(name, node('Concat', parts, `${name}.open`, typeOf(graph, name), { axis: 0 }));
    constants.delete(name);
  }
  const nodes = graph.nodes.map((n) => ({ ...n, inputs: n.inputs.map((i) => renamed.get(i) ?? i) }));
  // Products that no shape holds.
  return eliminateDeadNodes({ ...graph, nodes: [...front, ...nodes], types, constants });
}

/**
 * Primes for the sizes of dimensions, none of them, nor a product of several, dividing a number in use.
 * @param limits the largest that each may be; none for a size that nothing bounds
 */
export function unmistakable(limits: readonly (number | undefined)[], inUse: readonly number[]): number[] {
  const taken = [...new Set(inUse)];
  const found: number[] = [];
  // Of any of the found ones, that of none, 1, included.
  const products = [1];
  for (const limit of limits) {
    const isFree = (n: number) =>
      isPrime(n) && !found.includes(n) && !products.some((p) => taken.some((it) => it % (p * n) === 0));
    let n = limit ?? 1009;
    while (!isFree(n)) {
      n += limit === undefined ? 2 : -1;
      if (n < 3) throw new Error(`no prime up to ${limit} is free`);
    }
    found.push(n);
    append(
      products,
      products.map((p) => p * n),
    );
  }
  return found;
}

const isPrime = (n: number): boolean => {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return n > 1;
};
