import type { Range } from './prompt-file.ts';

/** A word or sign of the template's language. A string's text is without its quotes. */
export interface Token {
  kind: 'name' | 'string' | 'number' | 'sign';
  text: string;
  range: Range;
}

/** What stands between the template's delimiters. */
export interface Tag {
  kind: 'expression' | 'statement' | 'comment' | 'raw';
  /** With its delimiters. */
  range: Range;
  /** False where its end is missing: it then ends with its line. */
  closed: boolean;
  tokens: Token[];
}

/** A statement with what belongs to it: `{% for … %}` to `{% endfor %}`. */
export interface Block {
  name: string;
  open: Tag;
  /** `{% else %}` and `{% elif … %}` of it. */
  middle: Tag[];
  /** Null where it is missing. */
  end: Tag | null;
  /** From its first letter to its last; to the end of the block around it where its end is missing. */
  range: Range;
  parent: Block | null;
}

export interface Tags {
  tags: Tag[];
  /** In the order in which they begin. */
  blocks: Block[];
  /** Ends and middles that belong to no block. */
  strays: Tag[];
  /** The innermost block that a tag is in; that of its own for one that begins, divides or ends a block. */
  around: ReadonlyMap<Tag, Block>;
}

/** Statements that have an end, with what may stand between. */
export const BLOCKS: Readonly<Record<string, readonly string[]>> = {
  for: ['else'],
  if: ['elif', 'else'],
  set: [],
  macro: [],
  call: [],
  filter: [],
  generation: [],
};

const ENDS = { expression: '}}', statement: '%}' } as const;

/** The first word of a statement. */
export const wordOf = (tag: Tag): string =>
  tag.kind === 'statement' && tag.tokens[0]?.kind === 'name' ? tag.tokens[0].text : '';

/** Finds what is not text in a body. It never throws, and what is broken ends with its line, so that the rest stays whole. */
export function tagsOf(text: string, body: Range): Tags {
  const tags: Tag[] = [];
  const closings = new Closings(text, body.end);
  for (let at = body.start; at < body.end; ) {
    const start = text.indexOf('{', at);
    if (start < 0 || start >= body.end - 1) break;
    const tag = tagAt(text, start, body.end, closings);
    if (tag) {
      tags.push(tag);
      at = Math.max(tag.range.end, start + 2);
    } else at = start + 1;
  }
  return { tags, ...blocksOf(tags, body) };
}

/** Ends that are looked for from one place after the other. Where there is none, it is looked for once. */
class Closings {
  readonly #none = new Set<RegExp>();
  readonly #text: string;
  readonly #limit: number;

  constructor(text: string, limit: number) {
    this.#text = text;
    this.#limit = limit;
  }

  /** Where the next one ends; null without one. */
  after(closing: RegExp, from: number): number | null {
    if (this.#none.has(closing)) return null;
    closing.lastIndex = from;
    const found = closing.exec(this.#text);
    if (found && closing.lastIndex <= this.#limit) return closing.lastIndex;
    this.#none.add(closing);
    return null;
  }
}

const COMMENT_END = /#\}/g;
const RAW_END = /\{%[-+]?\s*endraw\s*[-+]?%\}/g;

function tagAt(text: string, start: number, limit: number, closings: Closings): Tag | null {
  const sign = text[start + 1];
  if (sign === '#') {
    const end = closings.after(COMMENT_END, start + 2);
    const range = { start, end: end ?? lineEnd(text, start, limit) };
    return { kind: 'comment', range, closed: end !== null, tokens: [] };
  }
  if (sign === '{') return read(text, start, limit, 'expression');
  if (sign !== '%') return null;
  const tag = read(text, start, limit, 'statement');
  if (wordOf(tag) !== 'raw' || !tag.closed) return tag;
  const end = closings.after(RAW_END, tag.range.end);
  // Without its end nothing tells what is raw: the statement alone.
  return { ...tag, kind: 'raw', closed: end !== null, range: { start, end: end ?? tag.range.end } };
}

const TOKEN = /[\p{L}_][\p{L}\p{N}_]*|\d+(?:\.\d+)?|==|!=|<=|>=|\*\*|\/\/|[^\s]/uy;
const NAME = /^[\p{L}_]/u;

function read(text: string, start: number, limit: number, kind: 'expression' | 'statement'): Tag {
  const tokens: Token[] = [];
  const broken = (): Tag => {
    const end = lineEnd(text, start, limit);
    return { kind, range: { start, end }, closed: false, tokens: tokens.filter(({ range }) => range.end <= end) };
  };
  let depth = 0;
  let at = start + 2;
  if (text[at] === '-' || text[at] === '+') at++;
  while (at < limit) {
    if (/\s/.test(text[at]!)) {
      at++;
      continue;
    }
    if (depth === 0) {
      const dash = text[at] === '-' || text[at] === '+' ? 1 : 0;
      if (text.startsWith(ENDS[kind], at + dash) && at + dash + 2 <= limit)
        return { kind, range: { start, end: at + dash + 2 }, closed: true, tokens };
    }
    // Another one begins: this one's end was forgotten.
    if (text.startsWith('{%', at) || text.startsWith('{#', at) || (depth === 0 && text.startsWith('{{', at)))
      return broken();
    const quote = text[at]!;
    if (quote === '"' || quote === "'") {
      const close = stringEnd(text, at, limit);
      if (close < 0) return broken();
      tokens.push({ kind: 'string', text: text.slice(at + 1, close - 1), range: { start: at, end: close } });
      at = close;
      continue;
    }
    TOKEN.lastIndex = at;
    const word = TOKEN.exec(text)![0];
    const isName = NAME.test(word);
    tokens.push({
      kind: isName ? 'name' : /^\d/.test(word) ? 'number' : 'sign',
      text: word,
      range: { start: at, end: at + word.length },
    });
    if ('([{'.includes(word)) depth++;
    if (')]}'.includes(word)) depth = Math.max(0, depth - 1);
    at += word.length;
  }
  return broken();
}

/** Where a string ends, behind its quote; -1 for one that its line does not end. */
function stringEnd(text: string, start: number, limit: number): number {
  for (let at = start + 1; at < limit; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === text[start]) return at + 1;
    else if (text[at] === '\n') return -1;
  }
  return -1;
}

function lineEnd(text: string, start: number, limit: number): number {
  const rest = text.slice(start, limit);
  const end = rest.search(/[\r\n]/);
  return start + (end < 0 ? rest.length : end);
}

/** `{% set x %}` has an end, `{% set x = 1 %}` has none. */
const opens = (tag: Tag): boolean => {
  const word = wordOf(tag);
  if (!Object.hasOwn(BLOCKS, word)) return false;
  return word !== 'set' || !tag.tokens.some(({ kind, text }) => kind === 'sign' && text === '=');
};

function blocksOf(tags: readonly Tag[], body: Range): Omit<Tags, 'tags'> {
  const blocks: Block[] = [];
  const strays: Tag[] = [];
  const stack: Block[] = [];
  const around = new Map<Tag, Block>();
  const close = (block: Block, end: number) => {
    block.range = { start: block.range.start, end };
  };
  for (const tag of tags) {
    const word = wordOf(tag);
    if (stack.length > 0) around.set(tag, stack.at(-1)!);
    if (opens(tag)) {
      const { start, end } = tag.range;
      const block: Block = {
        ...{ name: word, open: tag, middle: [], end: null },
        range: { start, end },
        parent: stack.at(-1) ?? null,
      };
      blocks.push(block);
      stack.push(block);
      around.set(tag, block);
    } else if (word.startsWith('end') && Object.hasOwn(BLOCKS, word.slice(3))) {
      const at = stack.findLastIndex(({ name }) => name === word.slice(3));
      if (at < 0) {
        strays.push(tag);
        continue;
      }
      // Those inside of it that are still open lack their ends.
      for (const inner of stack.splice(at + 1)) close(inner, tag.range.start);
      const block = stack.pop()!;
      block.end = tag;
      around.set(tag, block);
      close(block, tag.range.end);
    } else if (word === 'elif' || word === 'else') {
      const block = stack.at(-1);
      if (block && BLOCKS[block.name]!.includes(word)) block.middle.push(tag);
      else strays.push(tag);
    }
  }
  for (const block of stack) close(block, body.end);
  return { blocks, strays, around };
}
