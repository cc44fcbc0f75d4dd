import type { PromptFix, PromptProblem, TextRange } from '../protocol/index.ts';

export type { PromptFix, PromptProblem };

/** Part of a file in UTF-16 units, `end` not included. */
export type Range = TextRange;

export const ROLES = ['system', 'user', 'assistant', 'developer', 'tool'] as const;
export type Role = (typeof ROLES)[number];

/** What may stand in an input; `thread` is a dialogue, a list of messages. */
export const INPUT_KINDS = ['string', 'number', 'boolean', 'array', 'object', 'thread'] as const;
export type InputKind = (typeof INPUT_KINDS)[number];

export interface PromptInput {
  name: string;
  kind: InputKind;
  /** Used where nothing else gives a value. References in it (`${file:…}`) are not yet resolved. */
  default?: unknown;
  /** From the file's `sample`, or the input's own `sample` or `example`. */
  sample?: unknown;
  description?: string;
  /** Its name in the front matter. */
  range: Range;
}

/** A part of the body that a marker opens, as it is written; parts of one role may follow each other. */
export interface PromptPart {
  role: Role;
  text: string;
  /** Of its text. */
  range: Range;
  /** The line of its marker; null for what stands before the first. */
  marker: Range | null;
}

/** A key of the front matter, for outline, hover and completion. Items of a list have their number as name. */
export interface PromptKey {
  path: string[];
  key: Range;
  /** Null where the key has none. */
  value: Range | null;
}

/** `${file:PATH}` or `${env:NAME:DEFAULT}`: a value of the front matter, or a file in the body's text. */
export interface PromptReference {
  kind: 'file' | 'env';
  /** Path relative to the template's folder, or name of the variable. */
  target: string;
  /** What stands for a variable that is not set. */
  default?: string;
  range: Range;
  /** Where in the front matter; null in the body. */
  path: string[] | null;
}

/** Few-shot examples, drawn from rows of a dataset or written into the template: `examples` in it. */
export interface PromptExamples {
  /** Rows by their columns, taken in this order; none is drawn then. */
  rows?: readonly Readonly<Record<string, unknown>>[];
  /** Path relative to the template's folder; the template's own dataset where not given. */
  dataset?: string;
  count: number;
  /** The same seed draws the same rows. */
  seed: number;
}

/**
 * A `.prompty` file (https://prompty.ai), of which nothing outside of it was read: strings of `${file:…}` and
 * `${env:…}` stand in its values as they are written. A broken file has what could be read, and problems.
 */
export interface PromptFile {
  generation: 1 | 2;
  name?: string;
  description?: string;
  inputs: PromptInput[];
  /** Values for a try-out. */
  sample: Record<string, unknown> | null;
  /** The file that has them, where the template has not: a path relative to its folder. */
  sampleFile: string | null;
  model: { name?: string; api: 'chat' | 'completion'; options: Record<string, unknown> };
  /** Ours, under `luthier`: the dataset that is bound, as a path relative to the template's folder. */
  dataset?: string;
  /** Column of the dataset for each input that is not called like its column. */
  columns: Record<string, string>;
  examples: PromptExamples | null;
  /** For each label the words that stand for it, at a mask or as what comes next. */
  verbalizer: Record<string, string[]> | null;
  template: 'jinja2';
  parts: PromptPart[];
  keys: PromptKey[];
  references: PromptReference[];
  /** Without its lines of `---`. */
  frontMatter: Range | null;
  body: Range;
  problems: PromptProblem[];
}
