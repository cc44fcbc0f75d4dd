import { type Graph, producers } from '../ir.ts';
import { Rewriter } from './rewriter.ts';

/**
 * Gradient checkpointing (Chen et al. 2016), a layer at a time: of what layers compute on the way to the loss only what
 * goes into each is kept. When the gradient comes back to a layer, what it reads of it is computed again by copies of
 * its nodes; what does not depend on the layer's input, such as masks, stays. The last layer's turn comes at once, so
 * that it is left as it is. Copies compute the same numbers from the same numbers.
 *
 * onnxruntime would take copies that are written the same for the same, and nothing keeps them from being computed
 * before they are needed. So a copied layer reads its input through a choice between it and itself, which asks something
 * of the gradient that has arrived.
 * @param layers values that go into the layers, the first layer's first
 * @param loss the output behind which the gradients are
 */
export function recomputeLayers(graph: Graph, layers: readonly string[], loss: string): Graph {
  const value = graph.outputs.get(loss);
  const end = value === undefined ? -1 : graph.nodes.findIndex(({ outputs }) => outputs.includes(value)) + 1;
  const [forward, backward] = [graph.nodes.slice(0, end), graph.nodes.slice(end)];
  const layerOf = layersOf(forward, layers);
  const by = producers(graph);
  const backwards = new Set(backward.flatMap(({ outputs }) => outputs));
  const r = new Rewriter(graph);
  for (const node of forward) r.keep(node);
  /** Names of what is computed again, by those of what it is copied from. */
  const again = new Map<string, string>();
  const inputsAgain: string[] = [];

  /** A layer's input, once more. @param gradient something of the way back, known before the layer's turn */
  const inputOf = (layer: number, gradient: string | undefined): string => {
    const known = inputsAgain[layer];
    if (known !== undefined) return known;
    const input = layers[layer]!;
    const name = `${input} as input`;
    const asked = gradient ?? input;
    const rank = r.typeOf(asked).shape.length;
    const ints = (what: string, numbers: number[]) => r.ints(`${name}.${what}`, numbers);
    const [zeros, ones, axes] = [
      ints('zeros', Array(rank).fill(0)),
      ints('ones', Array(rank).fill(1)),
      ints('axes', [...Array(rank).keys()]),
    ];
    const single = (what: string, shape: number[]) => r.value(`${name}.${what}`, { shape, dtype: 'float32' });
    const first = r.node('Slice', [asked, zeros, ones, axes], single('first', Array(rank).fill(1)));
    const number = r.node('Reshape', [first, ints('shape', [1])], single('number', [1]));
    const choice = r.node('Greater', [number, number], r.value(`${name}.choice`, { shape: [1], dtype: 'bool' }));
    inputsAgain[layer] = r.node('Where', [choice, input, input], r.value(name, r.typeOf(input)));
    return inputsAgain[layer];
  };

  const copy = (name: string, layer: number, gradient: string | undefined): string => {
    if (name === layers[layer]) return inputOf(layer, gradient);
    if (layerOf.get(name) !== layer) return name;
    const known = again.get(name);
    if (known !== undefined) return known;
    const node = by.get(name)!;
    const inputs = node.inputs.map((input) => copy(input, layer, gradient));
    const outputs = node.outputs.map((output) => output && r.value(`${output} again`, r.typeOf(output)));
    r.keep({ ...node, inputs, outputs });
    node.outputs.forEach((output, i) => {
      again.set(output, outputs[i]!);
    });
    return again.get(name)!;
  };

  for (const node of backward) {
    // The first of a layer's readers decides, and whatever it has of the way back knows nothing of the layer yet.
    const gradient = node.inputs.find((input) => {
      if (!backwards.has(input)) return false;
      const { shape, dtype } = r.typeOf(input);
      return dtype === 'float32' && shape.length > 0;
    });
    const inputs = node.inputs.map((input) => {
      const layer = layerOf.get(input);
      return layer === undefined ? input : copy(input, layer, gradient);
    });
    r.keep({ ...node, inputs });
  }
  return r.graph();
}

/** The number of the layer that each value belongs to, of all but the last: what is computed from the layer's input. */
function layersOf(forward: Graph['nodes'], layers: readonly string[]): Map<string, number> {
  const starts = new Map(layers.map((name, layer) => [name, layer]));
  const layerOf = new Map<string, number>();
  for (const { inputs, outputs } of forward) {
    const layer = inputs.reduce((most, input) => Math.max(most, starts.get(input) ?? layerOf.get(input) ?? -1), -1);
    if (layer < 0) continue;
    for (const output of outputs) if (output !== '' && !starts.has(output)) layerOf.set(output, layer);
  }
  return new Map([...layerOf].filter(([, layer]) => layer < layers.length - 1));
}
