import type { Columns } from '../../../protocol/index.ts';
import { chinese } from './chinese.ts';
import { english } from './english.ts';

export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

/** An input of a template, and the fields of a dataset that it is filled from, the likeliest first. */
export interface KindInput {
  /** Key of its words, and its name where a language has no other. */
  key: string;
  fields: readonly (keyof Columns)[];
}

/** What a template is for, whatever its language. */
export interface Kind {
  id: KindId;
  /** Whether the model is asked as in a chat, or reads the text as it is. */
  api: 'chat' | 'completion';
  inputs: readonly KindInput[];
  /** Slot of its body that a dataset's labels fill. */
  labels?: string;
  /** A masked model's answer is one of these words, each of which stands for a label. */
  verbalizer?: true;
}

/** A template's words in one language. `‹name›` in the body is an input's name or a slot's text. */
export interface KindWords {
  /** What a person types to get it as a snippet. */
  prefix: readonly string[];
  /** Of the template, as its `name`. */
  title: string;
  /** One line, as its `description`. */
  description: string;
  /** For each input an example, by key. */
  examples: Readonly<Record<string, string>>;
  /** What stands in a slot until somebody writes something better. */
  slots: Readonly<Record<string, string>>;
  body: string;
  /** How each label of a dataset is written into the slot of labels. */
  labelLine?: string;
  /** Body for a dataset with answers: examples are drawn from its rows. */
  drawn?: string;
}

const TEXT: KindInput = { key: 'text', fields: ['text', 'prompt', 'completion'] };
const QUESTION: KindInput = { key: 'question', fields: ['prompt', 'text'] };

/** In the order in which they are offered. */
export const KINDS = [
  { id: 'classification', api: 'chat', inputs: [TEXT], labels: 'labels' },
  { id: 'extraction', api: 'chat', inputs: [TEXT] },
  { id: 'answering', api: 'chat', inputs: [{ key: 'context', fields: ['input', 'text_pair'] }, QUESTION] },
  { id: 'summarisation', api: 'chat', inputs: [TEXT] },
  { id: 'dialogue', api: 'chat', inputs: [QUESTION] },
  { id: 'few-shot', api: 'chat', inputs: [TEXT] },
  { id: 'chain-of-thought', api: 'chat', inputs: [QUESTION] },
  { id: 'rewriting', api: 'chat', inputs: [TEXT] },
  { id: 'labelling-guide', api: 'chat', inputs: [TEXT], labels: 'guide' },
  { id: 'verbalizer', api: 'completion', inputs: [TEXT], labels: 'words', verbalizer: true },
  { id: 'cloze', api: 'completion', inputs: [{ key: 'city', fields: [] }] },
] as const satisfies readonly (Omit<Kind, 'id'> & { id: string })[];

export type KindId = (typeof KINDS)[number]['id'];

export const WORDS: Readonly<Record<Language, Readonly<Record<KindId, KindWords>>>> = { en: english, zh: chinese };
