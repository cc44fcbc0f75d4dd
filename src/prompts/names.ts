import type { Range } from './prompt-file.ts';
import { type Block, type Tag, type Tags, type Token, wordOf } from './tags.ts';

/** A name in a template, and what it is there. */
export interface Name {
  kind: 'variable' | 'declaration' | 'filter' | 'test' | 'property' | 'function';
  name: string;
  range: Range;
  /** Of a variable or function that the template itself makes: where. */
  declared: Declaration | null;
}

/** What a loop, `set` or a macro makes, and the part of the file in which it is there. */
export interface Declaration {
  name: string;
  range: Range;
  scope: Range;
  by: 'for' | 'set' | 'macro' | 'parameter';
}

const KEYWORDS: ReadonlySet<string> = new Set([
  ...['and', 'or', 'not', 'in', 'is', 'if', 'else', 'recursive'],
  ...['true', 'false', 'none', 'True', 'False', 'None'],
]);

/** What is there without being given. */
export const GLOBALS: ReadonlySet<string> = new Set(['loop', 'range', 'namespace', 'dict']);

/** Statements that make names. */
const MAKES: ReadonlySet<string> = new Set(['for', 'set', 'macro', 'call']);

/** Names of a template's body, and what it makes itself, in their order. */
export function namesOf({ tags, around }: Tags, body: Range): { names: Name[]; declarations: Declaration[] } {
  const declarations = new Map<string, Declaration[]>();
  const found: Name[] = [];
  for (const tag of tags) {
    if (tag.kind !== 'expression' && tag.kind !== 'statement') continue;
    const own = around.get(tag);
    const block = own?.open === tag ? own : undefined;
    const made = MAKES.has(wordOf(tag))
      ? declarationsIn(tag, block, scopeAt(tag, block ? block.parent : own, body))
      : [];
    for (const one of made) {
      const before = declarations.get(one.name);
      if (before) before.push(one);
      else declarations.set(one.name, [one]);
    }
    for (const name of namesIn(tag, made)) found.push(name);
  }
  for (const name of found) {
    if (name.kind !== 'variable' && name.kind !== 'function') continue;
    // The one that was made last, of those that are there.
    name.declared =
      declarations
        .get(name.name)
        ?.findLast(({ scope }) => scope.start <= name.range.start && name.range.end <= scope.end) ?? null;
  }
  return { names: found, declarations: [...declarations.values()].flat() };
}

/** Where what a `set` makes is there: from its end to that of the loop or macro around it. */
function scopeAt(tag: Tag, around: Block | null | undefined, body: Range): Range {
  let block = around ?? null;
  while (block && (block.name === 'if' || block.name === 'set')) block = block.parent;
  return { start: tag.range.end, end: block?.range.end ?? body.end };
}

function declarationsIn(tag: Tag, block: Block | undefined, scope: Range): Declaration[] {
  const word = wordOf(tag);
  const { tokens } = tag;
  const made = (names: readonly Token[], by: Declaration['by'], where: Range): Declaration[] =>
    names.filter(({ kind }) => kind === 'name').map(({ text, range }) => ({ name: text, range, scope: where, by }));
  if (word === 'for') {
    const end = tokens.findIndex(({ kind, text }) => kind === 'name' && text === 'in');
    // Also inside of its own tag: `for x in list if x.ok`; the list itself is that of the text around it.
    const condition = tokens.find(({ kind, text }, i) => i > end && kind === 'name' && text === 'if');
    const from = condition?.range.end ?? tag.range.end;
    return made(tokens.slice(1, end < 0 ? tokens.length : end), 'for', {
      start: from,
      end: block?.range.end ?? scope.end,
    });
  }
  if (word === 'set') {
    const end = tokens.findIndex(({ kind, text }) => kind === 'sign' && text === '=');
    const targets = tokens.slice(1, end < 0 ? tokens.length : end);
    // `set space.x = 1` makes no name.
    if (targets.some(({ text }) => text === '.')) return [];
    return made(targets, 'set', block ? { ...scope, start: block.range.end } : scope);
  }
  if (word === 'macro' || word === 'call') {
    const inside = { start: tag.range.start, end: block?.range.end ?? scope.end };
    const open = tokens.findIndex(({ text }) => text === '(');
    const parameters = word === 'macro' ? tokens.slice(open + 1) : [];
    const names = parameters.filter(
      (token, i) => token.kind === 'name' && ['(', ','].includes(parameters[i - 1]?.text ?? '('),
    );
    return [
      ...made(open > 0 && word === 'macro' ? [tokens[1]!] : [], 'macro', { ...scope, start: tag.range.start }),
      ...made(open > 0 ? names : [], 'parameter', inside),
    ];
  }
  return [];
}

function namesIn({ tokens, kind }: Tag, made: readonly Declaration[]): Name[] {
  const found: Name[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== 'name' || (kind === 'statement' && i === 0)) continue;
    const [before, after] = [tokens[i - 1], tokens[i + 1]];
    const add = (as: Name['kind']) => found.push({ kind: as, name: token.text, range: token.range, declared: null });
    const declaration = made.find(({ range }) => range.start === token.range.start);
    if (declaration) add('declaration');
    else if (before?.text === '.' && before.kind === 'sign') add('property');
    else if (KEYWORDS.has(token.text)) continue;
    else if (before?.text === '|' && before.kind === 'sign') add('filter');
    else if (isTest(tokens, i)) add('test');
    // The name of an argument: `f(x=1)`.
    else if (after?.text === '=' && isInParentheses(tokens, i)) continue;
    else if (kind === 'statement' && i === 1 && tokens[0]!.text === 'filter') add('filter');
    else if (after?.text === '(') add('function');
    else add('variable');
  }
  return found;
}

function isTest(tokens: readonly Token[], i: number): boolean {
  const [one, two] = [tokens[i - 1]?.text, tokens[i - 2]?.text];
  return one === 'is' || (one === 'not' && two === 'is');
}

function isInParentheses(tokens: readonly Token[], end: number): boolean {
  let depth = 0;
  for (const { kind, text } of tokens.slice(0, end)) {
    if (kind !== 'sign') continue;
    if (text === '(') depth++;
    if (text === ')') depth--;
  }
  return depth > 0;
}
