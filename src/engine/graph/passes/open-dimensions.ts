import { type Constant, type Graph, type Node, typeOf, type ValueType } from '../ir.ts';

/** A dimension that an exported model leaves open: the size it was recorded with, and where the real one is read. */
export interface OpenDimension {
  readonly size: number;
  readonly input: string;
  readonly axis: number;
}

/**
 * Makes two dimensions of a recorded graph open: every shape and bound that holds the first's size, the second's or
 * their product is computed from the inputs instead. Sizes must be recognisable, so record with primes that occur
 * nowhere else (`unmistakable` finds some).
 *
 * The result's types stay those of the recording, and what was a constant no longer is one: graph/check.ts's rules
 * for constants do not hold for it, so that the exported model is checked by running it.
 */
export function openDimensions(graph: Graph, first: OpenDimension, second: OpenDimension): Graph {
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
  const node = (op: string, inputs: string[], output: string, type: ValueType, attributes: Node['attributes'] = {}) => {
    types.set(output, type);
    front.push({ op, domain: '', inputs, outputs: [output], attributes });
    return output;
  };
  const sizeOfAxis = ({ input, axis }: OpenDimension, name: string) => {
    const rank = typeOf(graph, input).shape.length;
    const shape = node('Shape', [input], `${name}.shape`, { shape: [rank], dtype: 'int64' });
    return node('Gather', [shape, ints(`${name}.axis`, [axis])], name, vector, { axis: 0 });
  };
  const a = sizeOfAxis(first, 'open.first');
  const b = sizeOfAxis(second, 'open.second');
  const product = node('Mul', [a, b], 'open.product', vector);
  const open = new Map([
    [first.size, a],
    [second.size, b],
    [first.size * second.size, product],
  ]);
  const renamed = new Map<string, string>();
  for (const [name, constant] of graph.constants) {
    if (constant.dtype !== 'int64') continue;
    const values = Array.from(constant.data, Number);
    if (!values.some((v) => open.has(v))) continue;
    const parts = values.map((v, i) => open.get(v) ?? ints(`${name}.${i}`, [v]));
    renamed.set(name, node('Concat', parts, `${name}.open`, typeOf(graph, name), { axis: 0 }));
    constants.delete(name);
  }
  const nodes = graph.nodes.map((n) => ({ ...n, inputs: n.inputs.map((i) => renamed.get(i) ?? i) }));
  return { ...graph, nodes: [...front, ...nodes], types, constants };
}

/** Primes for two dimensions, the second at most `limit`, that are none of the numbers in use. */
export function unmistakable(limit: number, inUse: readonly number[]): [first: number, second: number] {
  const taken = new Set(inUse);
  for (let second = limit; second > 2; second--) {
    if (!isPrime(second) || taken.has(second)) continue;
    for (let first = 1009; ; first += 2) {
      if (isPrime(first) && !taken.has(first) && !taken.has(first * second)) return [first, second];
    }
  }
  throw new Error(`no prime up to ${limit} is free`);
}

const isPrime = (n: number): boolean => {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return n > 1;
};
