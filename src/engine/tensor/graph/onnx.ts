import protobuf from 'protobufjs/light.js';
import { type Constant, type Graph, type Node, typeOf } from './ir.ts';
import { type Attribute, ELEMENT_TYPE_NUMBER, isContributed, isFloatAttribute } from './operators.ts';

/** The part of onnx.proto3 that is written here (github.com/onnx/onnx, onnx/onnx.proto3): the same field numbers. */
const SCHEMA: protobuf.INamespace = {
  nested: {
    Attribute: message({
      name: ['string', 1],
      f: ['float', 2],
      i: ['int64', 3],
      s: ['bytes', 4],
      ints: ['int64', 8, 'repeated'],
      type: ['int32', 20],
    }),
    Node: message({
      input: ['string', 1, 'repeated'],
      output: ['string', 2, 'repeated'],
      name: ['string', 3],
      op_type: ['string', 4],
      attribute: ['Attribute', 5, 'repeated'],
      domain: ['string', 7],
    }),
    Tensor: message({
      dims: ['int64', 1, 'repeated'],
      data_type: ['int32', 2],
      name: ['string', 8],
      raw_data: ['bytes', 9],
    }),
    Dimension: message({ dim_value: ['int64', 1], dim_param: ['string', 2] }),
    Shape: message({ dim: ['Dimension', 1, 'repeated'] }),
    TensorType: message({ elem_type: ['int32', 1], shape: ['Shape', 2] }),
    SequenceType: message({ elem_type: ['Type', 1] }),
    Type: message({ tensor_type: ['TensorType', 1], sequence_type: ['SequenceType', 4] }),
    ValueInfo: message({ name: ['string', 1], type: ['Type', 2] }),
    Graph: message({
      node: ['Node', 1, 'repeated'],
      name: ['string', 2],
      initializer: ['Tensor', 5, 'repeated'],
      input: ['ValueInfo', 11, 'repeated'],
      output: ['ValueInfo', 12, 'repeated'],
    }),
    OperatorSet: message({ domain: ['string', 1], version: ['int64', 2] }),
    Metadata: message({ key: ['string', 1], value: ['string', 2] }),
    Model: message({
      ir_version: ['int64', 1],
      producer_name: ['string', 2],
      graph: ['Graph', 7],
      opset_import: ['OperatorSet', 8, 'repeated'],
      metadata_props: ['Metadata', 14, 'repeated'],
    }),
  },
};

function message(fields: Record<string, [type: string, id: number, rule?: 'repeated']>): protobuf.IType {
  return {
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, [type, id, rule]]) => [name, { type, id, ...(rule ? { rule } : {}) }]),
    ),
  };
}

const Model = protobuf.Root.fromJSON(SCHEMA).lookupType('Model');

const CONTRIBUTED_DOMAIN = 'com.microsoft';

const OPSETS = [
  { domain: '', version: 18 },
  { domain: CONTRIBUTED_DOMAIN, version: 1 },
];

/** A dimension of a model's input or output: a number, or a name where every size is accepted. */
export type OnnxDimension = number | string;

/** What a written model may say differently from its graph: open dimensions and other values as parameters. */
export interface OnnxOptions {
  /** Dimensions by value name, where they are not the recorded ones. */
  dimensions?: Readonly<Record<string, readonly OnnxDimension[]>>;
  /** Name of an empty sequence that is the first of the outputs (tensor/executors/session.ts says what for). */
  sequenceFirst?: string;
}

/** The graph as a serialised ONNX ModelProto (IR version 9, opset 18). */
export function writeOnnx(graph: Graph, options: OnnxOptions = {}): Uint8Array {
  const valueInfo = (name: string, value: string) => {
    const { shape, dtype } = typeOf(graph, value);
    const dimensions = options.dimensions?.[name] ?? shape;
    const dim = dimensions.map((d) => (typeof d === 'number' ? { dim_value: d } : { dim_param: d }));
    return { name, type: { tensor_type: { elem_type: ELEMENT_TYPE_NUMBER[dtype], shape: { dim } } } };
  };
  const output = namedOutputs(graph);
  const node = leavesLast(graph).map((n) => ({
    op_type: n.op,
    // So that onnxruntime's errors and profiles say which node they mean.
    name: n.outputs.find((o) => o !== '') ?? '',
    domain: isContributed(n.op) ? CONTRIBUTED_DOMAIN : '',
    input: n.inputs,
    output: n.outputs.map((o) => output.rename.get(o) ?? o),
    attribute: Object.entries(n.attributes).map(([name, value]) => attribute(name, value)),
  }));
  for (const n of node) n.input = n.input.map((i) => output.rename.get(i) ?? i);
  const first = options.sequenceFirst === undefined ? [] : [options.sequenceFirst];
  const payload = {
    ir_version: 9,
    producer_name: 'luthier',
    opset_import: OPSETS,
    graph: {
      name: 'luthier',
      node: [...node, ...output.copies, ...first.map((name) => ({ op_type: 'SequenceEmpty', output: [name] }))],
      initializer: [...graph.constants].map(([name, constant]) => initializer(name, constant)),
      input: graph.inputs.map((name) => valueInfo(name, name)),
      output: [
        ...first.map((name) => ({ name, type: { sequence_type: { elem_type: { tensor_type: { elem_type: 1 } } } } })),
        ...[...graph.outputs].map(([name, value]) => valueInfo(name, value)),
      ],
    },
  };
  return Model.encode(Model.fromObject(payload)).finish();
}

/**
 * The nodes in the order in which onnxruntime is to run them, told in the only way that it hears. It walks back from the
 * nodes that nothing reads, the last in the file first, and runs what each needs before it. In a training step these
 * are the gradients: written as recorded, the embeddings' comes first, and with it the whole way back through the
 * layers, while all that the other gradients need is kept to the end. Reversed, each is run when what it needs is there.
 */
function leavesLast(graph: Graph): Node[] {
  const read = new Set(graph.nodes.flatMap((n) => n.inputs));
  const isLeaf = (n: Node) => !n.outputs.some((o) => read.has(o));
  return [...graph.nodes.filter((n) => !isLeaf(n)), ...graph.nodes.filter(isLeaf).reverse()];
}

/**
 * Outputs leave under their own names. Where a node's value is one output only it is simply called so; a copy is
 * made only for a value that is an input, a constant, or a second output's too.
 */
function namedOutputs(graph: Graph) {
  const rename = new Map<string, string>();
  const copies: { op_type: string; input: string[]; output: string[] }[] = [];
  const made = new Set(graph.nodes.flatMap((n) => n.outputs));
  for (const [name, value] of graph.outputs) {
    if (made.has(value) && !rename.has(value)) rename.set(value, name);
    else copies.push({ op_type: 'Identity', input: [rename.get(value) ?? value], output: [name] });
  }
  return { rename, copies };
}

function attribute(name: string, value: Attribute) {
  if (isFloatAttribute(value)) return { name, f: value.float, type: 1 };
  if (typeof value === 'number') return { name, i: value, type: 2 };
  if (typeof value === 'string') return { name, s: Buffer.from(value), type: 3 };
  return { name, ints: value, type: 7 };
}

const initializer = (name: string, { shape, dtype, data }: Constant) => ({
  name,
  dims: shape,
  data_type: ELEMENT_TYPE_NUMBER[dtype],
  raw_data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});
