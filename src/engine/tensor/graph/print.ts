import type { Graph, ValueType } from './ir.ts';
import { type Attribute, isFloatAttribute } from './operators.ts';

const SHORT = {
  float32: 'f32',
  float16: 'f16',
  int32: 'i32',
  int64: 'i64',
  bool: 'b',
  int8: 'i8',
  uint8: 'u8',
} as const;

const typeText = (t: ValueType | undefined) => (t ? `${SHORT[t.dtype]}[${t.shape.join(',')}]` : '?');

function attributeText(a: Attribute): string {
  if (isFloatAttribute(a)) return String(Number(a.float.toPrecision(7)));
  if (typeof a === 'string') return JSON.stringify(a);
  return Array.isArray(a) ? `[${a.join(',')}]` : String(a);
}

/**
 * One line a node, `%name:type = Op(inputs) {attributes}`; small constants are written where they are used,
 * so that a graph reads without looking things up.
 */
export function printGraph(graph: Graph): string {
  const operand = (name: string) => {
    if (name === '') return '_';
    const constant = graph.constants.get(name);
    if (!constant) return `%${name}`;
    if (constant.data.length > 8) return `const ${typeText(constant)}`;
    const values = Array.from<number | bigint, number>(constant.data, (v) => Number(Number(v).toPrecision(7)));
    return constant.shape.length === 0 ? String(values[0]) : `[${values.join(',')}]`;
  };
  const lines = graph.inputs.map((name) => `input %${name}:${typeText(graph.types.get(name))}`);
  for (const node of graph.nodes) {
    const outputs = node.outputs.map((o) => (o ? `%${o}:${typeText(graph.types.get(o))}` : '_')).join(', ');
    const attributes = Object.entries(node.attributes).map(([k, v]) => `${k}=${attributeText(v)}`);
    const suffix = attributes.length ? ` {${attributes.join(', ')}}` : '';
    lines.push(`${outputs} = ${node.op}(${node.inputs.map(operand).join(', ')})${suffix}`);
  }
  for (const [name, value] of graph.outputs) lines.push(`output ${name} = ${operand(value)}`);
  return lines.join('\n');
}
