import { isMap, isPair, isScalar, isSeq, type Node, parseDocument } from 'yaml';
import { linesOf } from './places.ts';
import { problem } from './problems.ts';
import type { PromptKey, PromptProblem, Range } from './prompt-file.ts';
import { roleMarkers } from './roles.ts';

/** Where the front matter stands and the body begins; `closed` is false where the second line of `---` is missing. */
export interface Frame {
  /** The first line of `---`. */
  opening: Range;
  frontMatter: Range;
  body: Range;
  closed: boolean;
}

const FENCE = /^(---|\+\+\+)[ \t]*$/;

/** Null for a file that has no front matter: all of it is body. */
export function frameOf(text: string): Frame | null {
  const first = text.length - text.replace(/^\uFEFF?\s*/, '').length;
  const lines = linesOf(text, { start: first, end: text.length });
  const opening = lines.next().value;
  if (!opening || !FENCE.test(opening.text)) return null;
  const start = opening.next;
  for (const line of lines) {
    if (FENCE.test(line.text)) {
      const [frontMatter, body] = [
        { start, end: line.range.start },
        { start: line.next, end: text.length },
      ];
      return { opening: opening.range, frontMatter, body, closed: true };
    }
  }
  // Not closed: what follows the first role is body, so that the rest of the file keeps what it is good for.
  const end = roleMarkers(text, { start, end: text.length }, 1)[0]?.line.start ?? text.length;
  const [frontMatter, body] = [
    { start, end },
    { start: end, end: text.length },
  ];
  return { opening: opening.range, frontMatter, body, closed: false };
}

/** A node of the front matter: its value, where it stands, and what is in it. */
export class Yaml {
  readonly value: unknown;
  readonly range: Range;
  readonly #children: ReadonlyMap<string, { key: Range; node: Yaml | null }>;

  constructor(value: unknown, range: Range, children: ReadonlyMap<string, { key: Range; node: Yaml | null }>) {
    this.value = value;
    this.range = range;
    this.#children = children;
  }

  /** Keys of a map, or numbers of a list's items, in their order. */
  get entries(): [name: string, entry: { key: Range; node: Yaml | null }][] {
    return [...this.#children];
  }

  get(...path: string[]): Yaml | null {
    const [name, ...rest] = path;
    if (name === undefined) return this;
    return this.#children.get(name)?.node?.get(...rest) ?? null;
  }

  /** Where a key stands; the node itself where there is no such key. */
  keyOf(name: string): Range {
    return this.#children.get(name)?.key ?? this.range;
  }

  get isMap(): boolean {
    return typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value);
  }

  get isList(): boolean {
    return Array.isArray(this.value);
  }

  /** The text of a string; undefined for anything else. */
  get text(): string | undefined {
    return typeof this.value === 'string' ? this.value : undefined;
  }
}

/** `name:Ticket` at the beginning of a line: a key whose blank is missing. Addresses are none. */
const NO_BLANK = /^(\s*(?:-\s+)?[A-Za-z_][\w-]*):(?=[^\s:/\\])/;
const DEEPEST = 100;
const DEEPEST_KEY = 4;

/**
 * Reads front matter. Lines without a blank behind the colon are told, and read as if they had it.
 * @returns the map of its keys, empty where it is none
 */
export function readFrontMatter(
  text: string,
  range: Range,
): { root: Yaml; keys: PromptKey[]; problems: PromptProblem[] } {
  const problems: PromptProblem[] = [];
  const nothing = { root: new Yaml({}, range, new Map()), keys: [], problems };
  const source = text.slice(range.start, range.end);
  let read = parse(source);
  let insertions: number[] = [];
  if (read === null || read.errors.length > 0 || (read.contents && !isMap(read.contents))) {
    const missing = missingBlanks(text, range);
    const repaired = missing.reduceRight(
      (whole, at) => `${whole.slice(0, at - range.start)} ${whole.slice(at - range.start)}`,
      source,
    );
    const again = missing.length > 0 ? parse(repaired) : null;
    if (again && again.errors.length <= (read?.errors.length ?? 1)) {
      [read, insertions] = [again, missing.map((at, i) => at - range.start + i)];
      for (const at of missing) problems.push(blankMissing(text, at));
    }
  }
  if (read === null) {
    problems.push(problem('front-matter', 'error', 'The front matter is nested too deeply to be read.', range));
    return nothing;
  }
  const place = (offset: number): number => {
    const before = insertions.filter((at) => at < offset).length;
    return Math.min(Math.max(range.start + offset - before, range.start), range.end);
  };
  for (const { code, message, pos } of [...read.errors, ...read.warnings]) {
    const at = { start: place(pos[0]), end: place(Math.max(pos[1], pos[0] + 1)) };
    problems.push(
      problem('yaml', 'error', `${firstSentence(message)}${code === 'DUPLICATE_KEY' ? '' : ' (YAML)'}.`, at),
    );
  }
  if (!read.contents) return nothing;
  const value = heldBy(read);
  if (value.failed) {
    problems.push(problem('yaml', 'error', `${firstSentence(value.failed)} (YAML).`, range));
    return nothing;
  }
  if (!isMap(read.contents)) {
    problems.push(
      problem(
        'front-matter',
        'error',
        'The front matter is no list of keys. Write one on each line, like “name: Summary”.',
        range,
      ),
    );
    return nothing;
  }
  const keys: PromptKey[] = [];
  return { root: nodeOf(read.contents, value.value, [], keys, place), keys, problems };
}

type Document = ReturnType<typeof parseDocument>;

function parse(source: string): Document | null {
  try {
    const document = parseDocument(source, { prettyErrors: false, logLevel: 'silent' });
    return isDeeper(document.contents, DEEPEST) ? null : document;
  } catch {
    return null;
  }
}

/**
 * Whether collections lie in one another more often than `levels`. A map that is the key of a map is written out as
 * text by yaml, again at each level (400 of them take twenty seconds): keys have few levels, enough for `{{ name }}`.
 */
function isDeeper(node: unknown, levels: number): boolean {
  if (isPair(node)) return isDeeper(node.key, Math.min(levels, DEEPEST_KEY)) || isDeeper(node.value, levels);
  if (!isMap(node) && !isSeq(node)) return false;
  return levels === 0 || node.items.some((item) => isDeeper(item, levels - 1));
}

function heldBy(document: Document): { value?: unknown; failed?: string } {
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) };
  } catch (cause) {
    return { failed: (cause as Error).message };
  }
}

function nodeOf(
  node: Node,
  value: unknown,
  path: string[],
  keys: PromptKey[],
  place: (offset: number) => number,
): Yaml {
  const children = new Map<string, { key: Range; node: Yaml | null }>();
  const rangeOf = (of: Node): Range => ({ start: place(of.range?.[0] ?? 0), end: place(of.range?.[1] ?? 0) });
  const add = (name: string, key: Range, child: unknown, held: unknown) => {
    const own = [...path, name];
    const at = child ? rangeOf(child as Node) : null;
    const told = at && at.end > at.start ? at : null;
    keys.push({ path: own, key, value: told });
    const below = child && own.length < DEEPEST ? nodeOf(child as Node, held, own, keys, place) : null;
    children.set(name, { key, node: below });
  };
  if (isMap(node)) {
    for (const pair of node.items) {
      if (!isPair(pair) || !isScalar(pair.key)) continue;
      const name = String(pair.key.value);
      add(name, rangeOf(pair.key), pair.value, held(value, name));
    }
  } else if (isSeq(node)) {
    for (const [i, item] of node.items.entries())
      if (item) add(String(i), rangeOf(item as Node), item, held(value, String(i)));
  }
  return new Yaml(value, rangeOf(node), children);
}

const held = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;

/** Places behind the colons that have no blank. */
function missingBlanks(text: string, range: Range): number[] {
  return [...linesOf(text, range)].flatMap((line) => {
    const match = NO_BLANK.exec(line.text);
    return match ? [line.range.start + match[0].length] : [];
  });
}

function blankMissing(text: string, at: number): PromptProblem {
  const key = /[\w-]*$/.exec(text.slice(0, at - 1))![0];
  const [edit, place] = [
    { start: at, end: at },
    { start: at - 1 - key.length, end: at },
  ];
  return {
    ...problem('colon-blank', 'error', `${key}: A blank is missing after the colon.`, place),
    fixes: [{ title: 'Insert a blank', edits: [{ range: edit, text: ' ' }] }],
  };
}

const firstSentence = (message: string): string => message.split('\n')[0]!.slice(0, 200).replace(/\.$/, '');
