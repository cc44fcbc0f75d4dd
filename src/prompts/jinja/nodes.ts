/**
 * The tree that @huggingface/jinja's parser makes, as far as it is evaluated here: the package exports no types of it.
 */
export type Node =
  | { type: 'Identifier'; value: string }
  | { type: 'IntegerLiteral' | 'FloatLiteral'; value: number }
  | { type: 'StringLiteral'; value: string }
  | { type: 'ArrayLiteral' | 'TupleLiteral'; value: Node[] }
  | { type: 'ObjectLiteral'; value: Map<Node, Node> }
  | { type: 'MemberExpression'; object: Node; property: Node; computed: boolean }
  | { type: 'SliceExpression'; start?: Node; stop?: Node; step?: Node }
  | { type: 'BinaryExpression'; operator: { value: string }; left: Node; right: Node }
  | { type: 'UnaryExpression'; operator: { value: string }; argument: Node }
  | { type: 'TestExpression'; operand: Node; negate: boolean; test: Name }
  | { type: 'FilterExpression'; operand: Node; filter: Name | Call }
  | { type: 'SelectExpression'; lhs: Node; test: Node }
  | { type: 'Ternary'; condition: Node; trueExpr: Node; falseExpr: Node }
  | Call
  | { type: 'KeywordArgumentExpression'; key: Name; value: Node }
  | { type: 'SpreadExpression' | 'KeywordSpreadExpression'; argument: Node }
  | { type: 'If'; test: Node; body: Node[]; alternate: Node[] }
  | { type: 'For'; loopvar: Node; iterable: Node; body: Node[]; defaultBlock: Node[] }
  | { type: 'Set'; assignee: Node; value: Node | null; body: Node[] }
  | { type: 'Macro'; name: Name; args: Node[]; body: Node[] }
  | { type: 'CallStatement'; call: Call; callerArgs: Node[] | null; body: Node[] }
  | { type: 'FilterStatement'; filter: Name | Call; body: Node[] }
  | { type: 'Break' | 'Continue' }
  | { type: 'Comment'; value: string };

export type NodeOf<T extends Node['type']> = Extract<Node, { type: T }>;
export type Name = { type: 'Identifier'; value: string };
export type Call = { type: 'CallExpression'; callee: Node; args: Node[] };

/** Nodes right below one, in the order in which they are written. */
export function childrenOf(node: Node): Node[] {
  switch (node.type) {
    case 'ArrayLiteral':
    case 'TupleLiteral':
      return node.value;
    case 'ObjectLiteral':
      return [...node.value].flat();
    case 'MemberExpression':
      return [node.object, node.property];
    case 'SliceExpression':
      return [node.start, node.stop, node.step].filter((part) => part !== undefined);
    case 'BinaryExpression':
      return [node.left, node.right];
    case 'UnaryExpression':
      return [node.argument];
    case 'TestExpression':
      return [node.operand, node.test];
    case 'FilterExpression':
      return [node.operand, node.filter];
    case 'SelectExpression':
      return [node.lhs, node.test];
    case 'Ternary':
      return [node.trueExpr, node.condition, node.falseExpr];
    case 'CallExpression':
      return [node.callee, ...node.args];
    case 'KeywordArgumentExpression':
      return [node.key, node.value];
    case 'SpreadExpression':
    case 'KeywordSpreadExpression':
      return [node.argument];
    case 'If':
      return [node.test, ...node.body, ...node.alternate];
    case 'For':
      return [node.loopvar, node.iterable, ...node.body, ...node.defaultBlock];
    case 'Set':
      return [node.assignee, ...(node.value ? [node.value] : []), ...node.body];
    case 'Macro':
      return [node.name, ...node.args, ...node.body];
    case 'CallStatement':
      return [...(node.callerArgs ?? []), node.call, ...node.body];
    case 'FilterStatement':
      return [node.filter, ...node.body];
    default:
      return [];
  }
}
