import { parse, tokenize } from '@huggingface/jinja';
import type { Range } from '../prompt-file.ts';
import { childrenOf, type Node } from './nodes.ts';

/** A template that can be evaluated: its tree, and where the names in it stand. */
export interface Syntax {
  body: Node[];
  /** Places of names, in the text that was read. */
  places: ReadonlyMap<Node, Range>;
}

/** What is wrong with a template's text. */
export class SyntaxFault extends Error {
  readonly range: Range;

  constructor(message: string, range: Range) {
    super(message);
    this.range = range;
  }
}

/** The name of a filter that stands for a test with arguments, which the package's parser does not know. */
export const TEST_AS_FILTER = /^is (not )?(.+)$/;

/** What closes each block. */
const BLOCKS: Record<string, string> = {
  ...{ if: 'endif', for: 'endfor', macro: 'endmacro', call: 'endcall', filter: 'endfilter', set: 'endset' },
};
const ENDS = new Map(Object.entries(BLOCKS).map(([block, end]) => [end, block]));
const INSIDE: Record<string, string[]> = { elif: ['if'], else: ['if', 'for'], break: ['for'], continue: ['for'] };
const ELSEWHERE = ['include', 'extends', 'import', 'from', 'block'];

type Token = ReturnType<typeof tokenize>[number];
type Placed = Token & { range: Range };

/**
 * Reads a template, whose line ends are `\n`. Syntax is @huggingface/jinja's, which models' chat templates are read
 * with too; it tells no places, so these are found beside it.
 * @throws SyntaxFault
 */
export function readSyntax(text: string): Syntax {
  const { source, raws } = withoutRaw(text);
  const tokens = testsAsFilters(placed(source));
  checkBlocks(tokens);
  let farthest = 0;
  const watched = new Proxy(tokens as Token[], {
    get(list, key, receiver) {
      const index = typeof key === 'string' ? Number(key) : Number.NaN;
      if (index > farthest) farthest = index;
      return Reflect.get(list, key, receiver);
    },
  });
  let body: Node[];
  try {
    body = parse(watched).body as unknown as Node[];
  } catch (cause) {
    const at = tokens[Math.min(farthest, tokens.length - 1)]!;
    throw new SyntaxFault(meaningOf(cause as Error, at), at.range);
  }
  return { body, places: placesOf(body, tokens, raws) };
}

/** What stands between quotes for a `{% raw %}`, with its number: no character of any text. */
const RAW = '\uFDD5';

/** Each `{% raw %}` as the text of an expression that takes as many characters, so that places stay. */
function withoutRaw(text: string): { source: string; raws: string[] } {
  const raws: string[] = [];
  const source = text.replace(
    /\{%(-?)\s*raw\s*(-?)%\}([\s\S]*?)\{%(-?)\s*endraw\s*(-?)%\}/g,
    (whole, before: string, first: string, body: string, last: string, after: string) => {
      const kept = last ? body.trimEnd() : body;
      const written = `{{${before}"${RAW}${raws.push(first ? kept.trimStart() : kept) - 1}"`;
      const close = `${after}}}`;
      return `${written}${' '.repeat(whole.length - written.length - close.length)}${close}`;
    },
  );
  return { source, raws };
}

/** A template's tokens with their places: the package's own, found again in the text. */
function placed(source: string): Placed[] {
  let tokens: Token[];
  try {
    tokens = tokenize(source);
  } catch (cause) {
    throw new SyntaxFault(`${(cause as Error).message}.`, unreadable(source));
  }
  let at = 0;
  let last = { start: 0, end: 0 };
  const skipBlanks = () => {
    while (at < source.length && /\s/.test(source[at]!)) at++;
  };
  return tokens.map((token) => {
    const { type, value } = token;
    if (type === 'Text') {
      const [start, end] = [at, nextTag(source, at)];
      at = end;
      last = { start, end };
    } else if (type === 'Comment') {
      const start = source.indexOf('{#', at);
      at = source.indexOf('#}', start) + 2;
      last = { start, end: at };
    } else if (type === 'OpenExpression' || type === 'OpenStatement') {
      const start = source.indexOf(value, at);
      at = start + 2;
      if (source[at] === '-') at++;
      last = { start, end: at };
    } else {
      skipBlanks();
      const start = at;
      const isClose = type === 'CloseExpression' || type === 'CloseStatement';
      if (isClose && source[at] === '-') at++;
      at = type === 'StringLiteral' ? stringEnd(source, at) : at + value.length;
      last = { start, end: at };
    }
    return Object.assign(token, { range: last });
  });
}

const nextTag = (source: string, from: number): number => {
  const found = source.slice(from).search(/\{[{%#]/);
  return found < 0 ? source.length : from + found;
};

function stringEnd(source: string, start: number): number {
  const quote = source[start];
  let at = start + 1;
  while (at < source.length && source[at] !== quote) at += source[at] === '\\' ? 2 : 1;
  return Math.min(at + 1, source.length);
}

/** The first tag that is not closed, or the last one. */
function unreadable(source: string): Range {
  let start = 0;
  for (let at = nextTag(source, 0); at < source.length; at = nextTag(source, at)) {
    start = at;
    const close = { '{{': '}}', '{%': '%}', '{#': '#}' }[source.slice(at, at + 2)]!;
    const end = source.indexOf(close, at + 2);
    if (end < 0) break;
    at = end + 2;
  }
  const line = source.indexOf('\n', start);
  return { start, end: line < 0 ? source.length : line };
}

/** `x is divisibleby(3)` as `x | is divisibleby(3)`. */
function testsAsFilters(tokens: Placed[]): Placed[] {
  const isName = (token: Placed | undefined, name?: string) =>
    token?.type === 'Identifier' && (name === undefined || token.value === name);
  for (let i = 0; i < tokens.length; i++) {
    if (!isName(tokens[i], 'is')) continue;
    const not = isName(tokens[i + 1], 'not') ? 1 : 0;
    const test = tokens[i + 1 + not];
    if (!test || !isName(test) || tokens[i + 2 + not]?.type !== 'OpenParen') continue;
    Object.assign(tokens[i]!, { type: 'Pipe', value: '|' });
    test.value = `is ${not ? 'not ' : ''}${test.value}`;
    tokens.splice(i + 1, not);
  }
  return tokens;
}

/** Blocks that are opened and closed in order. */
function checkBlocks(tokens: readonly Placed[]): void {
  const open: { name: string; range: Range }[] = [];
  for (const [i, token] of tokens.entries()) {
    const next = tokens[i + 1];
    if (token.type !== 'OpenStatement' || next?.type !== 'Identifier') continue;
    const close = tokens.findIndex((other, j) => j > i && other.type === 'CloseStatement');
    const range = { start: token.range.start, end: (tokens[close] ?? next).range.end };
    const name = next.value;
    const block = open.at(-1);
    if (ELSEWHERE.includes(name))
      throw new SyntaxFault(`{% ${name} %} is not supported. Take in a file with \${file:PATH}.`, range);
    if (ENDS.has(name)) {
      if (block?.name === ENDS.get(name)) open.pop();
      else if (block)
        throw new SyntaxFault(`{% ${name} %} stands where {% ${BLOCKS[block.name]} %} is expected.`, range);
      else throw new SyntaxFault(`{% ${name} %} closes nothing: there is no {% ${ENDS.get(name)} %} before it.`, range);
    } else if (Object.hasOwn(INSIDE, name)) {
      const inside = INSIDE[name]!;
      const around =
        name === 'break' || name === 'continue'
          ? open.some((o) => inside.includes(o.name))
          : inside.includes(block?.name ?? '');
      if (!around) throw new SyntaxFault(`{% ${name} %} stands outside of {% ${inside[0]} %}.`, range);
    } else if (Object.hasOwn(BLOCKS, name)) {
      const isInline = name === 'set' && tokens.slice(i, close).some(({ type }) => type === 'Equals');
      if (!isInline) open.push({ name, range });
    } else throw new SyntaxFault(`{% ${name} %} is no statement that is supported.`, range);
  }
  const block = open.at(-1);
  if (block) {
    const end = BLOCKS[block.name]!;
    throw new SyntaxFault(`{% ${block.name} %} is not closed: {% ${end} %} is missing.`, block.range);
  }
}

/** The parser's words, which are for those who wrote it, as a sentence. */
function meaningOf({ message }: Error, { type, value }: Placed): string {
  const shown = type === 'Text' ? 'text' : `“${value}”`;
  if (/^Expected (identifier for the test|closing parenthesis: `\*\*`)/.test(message)) return `${message}.`;
  return `${shown} is not expected here.`;
}

/** Names of the tree are those of the tokens, in the same order; texts of `{% raw %}` are put in on the way. */
function placesOf(body: readonly Node[], tokens: readonly Placed[], raws: readonly string[]): Map<Node, Range> {
  const places = new Map<Node, Range>();
  const names = tokens.filter(({ type }) => type === 'Identifier');
  let next = 0;
  const visit = (node: Node): void => {
    if (node.type === 'Identifier') {
      const found = names.findIndex(({ value }, i) => i >= next && value === node.value);
      if (found >= 0) {
        places.set(node, names[found]!.range);
        next = found + 1;
      }
    }
    if (node.type === 'StringLiteral' && node.value.startsWith(RAW))
      node.value = raws[Number(node.value.slice(1))] ?? '';
    for (const child of childrenOf(node)) visit(child);
  };
  for (const node of body) visit(node);
  return places;
}
