import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { LuthierError } from '../../protocol/index.ts';
import { EXAMPLE_HINT } from './explain-issue.ts';

/** A recipe's text as a tree, or what keeps it from being JSON and where. */
export function readTree(text: string): { root: Node } | { message: string; offset: number; length: number } {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const problem = errors[0];
  if (problem === undefined && root !== undefined) return { root };
  const what = problem === undefined ? 'ValueExpected' : printParseErrorCode(problem.error);
  return {
    message: `not valid JSON: ${SYNTAX[what] ?? words(what)}.`,
    offset: problem?.offset ?? 0,
    length: problem?.length ?? 0,
  };
}

/** JSON with a way to name the line and column of any key. */
export function parseJson(text: string, file: string): { value: unknown; locate: (keys: PropertyKey[]) => string } {
  const read = readTree(text);
  if (!('root' in read)) {
    const [line, column] = placeOf(text, read.offset);
    const hint = text.trim() === '' ? EXAMPLE_HINT : undefined;
    throw new LuthierError('recipe-invalid', `${file}:${line}:${column} is ${read.message}`, hint);
  }
  const { root } = read;
  const locate = (keys: PropertyKey[]): string => {
    const path = keys.map((key) => (typeof key === 'symbol' ? String(key) : key));
    let node: Node | undefined;
    for (let n = path.length; node === undefined && n > 0; n--) node = findNodeAtLocation(root, path.slice(0, n));
    if (node === undefined) return file;
    // The key, not its value.
    const at = node.parent?.type === 'property' ? node.parent.offset : node.offset;
    const [line, column] = placeOf(text, at);
    return `${file}:${line}:${column}`;
  };
  return { value: JSON.parse(text), locate };
}

const SYNTAX: Record<string, string> = {
  PropertyNameExpected: 'a key in double quotes is expected (there may be an extra comma before it)',
  ValueExpected: 'a value is expected',
  ColonExpected: 'a colon is expected',
  CommaExpected: 'a comma is expected',
  CloseBraceExpected: 'a closing } is expected',
  CloseBracketExpected: 'a closing ] is expected',
  EndOfFileExpected: 'there is text after the end',
  InvalidCommentToken: 'comments are not allowed',
  InvalidSymbol: 'a word without quotes must be true, false or null',
  UnexpectedEndOfString: 'a string has no closing quote',
};

const words = (camelCase: string): string => camelCase.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();

function placeOf(text: string, offset: number): [line: number, column: number] {
  const before = text.slice(0, offset).split('\n');
  return [before.length, before.at(-1)!.length + 1];
}
