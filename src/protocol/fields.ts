import type { Columns } from './recipe.ts';
import type { TaskName } from './tasks.ts';

/**
 * What a cell of a field holds: `text`, written by people and read by the tokenizer; `label`, one class of few;
 * `value`, a number; `group`, what several rows have in common (a document, a customer); `list`, several values, as JSON
 * has them.
 */
export type FieldKind = 'text' | 'label' | 'value' | 'group' | 'list';

/** One thing that a task needs to know of a row. */
export interface Field {
  /** Key under a recipe's `columns`, and in a dataset's rows.jsonl. */
  name: keyof Columns;
  /** As messages, questions and tables call it. */
  title: string;
  kind: FieldKind;
  /** Whether the model reads it, learns to give it, or it only decides how rows are split. */
  role: 'input' | 'target' | 'split';
  /** Whether a row without it is left out even if no column was named for it. */
  required: boolean;
  /** What a recipe's schema says of the column. */
  detail: string;
  /** Names that data give such a column, in lower case, the likeliest first. */
  usual: readonly string[];
  /** Fields that the same rows have where they are written in another way: with a column for this one they have none. */
  replaces?: readonly (keyof Columns)[];
}

const TEXT: Field = {
  name: 'text',
  title: 'text',
  kind: 'text',
  role: 'input',
  required: true,
  detail: 'Column with the text.',
  usual: [
    ...['text', 'sentence', 'utterance', 'review', 'content', 'message', 'comment', 'body', 'question', 'query'],
    ...['tweet', 'description', 'document', 'input', 'prompt', 'summary', 'subject', 'title', 'headline', 'name'],
  ],
};

const TEXT_PAIR: Field = {
  name: 'text_pair',
  title: 'second text',
  kind: 'text',
  role: 'input',
  required: false,
  detail: 'Column with the second text of a pair.',
  // Found beside the first text alone: PAIR_NAMES of the engine.
  usual: [],
};

const LABEL: Field = {
  name: 'label',
  title: 'label',
  kind: 'label',
  role: 'target',
  required: true,
  detail: 'Column with the label, the labels, or the number to learn.',
  usual: [
    ...['label', 'labels', 'class', 'category', 'intent', 'sentiment', 'target', 'label_text', 'polarity'],
    ...['emotion', 'topic', 'tag', 'type', 'rating', 'stars', 'score', 'department', 'queue', 'priority'],
    ...['output', 'answer', 'y'],
  ],
};

/** Fields of each task. Columns are guessed, confirmed, checked and shown by this table, in this order. */
export const FIELDS: Readonly<Record<TaskName, readonly Field[]>> = {
  'text-classification': [TEXT, TEXT_PAIR, LABEL],
  multi_label_classification: [
    TEXT,
    TEXT_PAIR,
    { ...LABEL, usual: ['labels', 'tags', 'categories', 'topics', 'emotions', 'classes', ...LABEL.usual] },
  ],
  regression: [
    TEXT,
    TEXT_PAIR,
    {
      ...LABEL,
      title: 'value',
      kind: 'value',
      usual: [
        ...['score', 'value', 'label', 'rating', 'stars', 'similarity', 'similarity_score', 'grade', 'target', 'y'],
        ...['labels', 'price', 'points', 'polarity', 'sentiment', 'toxicity'],
      ],
    },
  ],
  'token-classification': [
    {
      name: 'tokens',
      title: 'words',
      kind: 'list',
      role: 'input',
      required: true,
      detail: 'Column of JSON with the list of words.',
      usual: ['tokens', 'words'],
    },
    {
      name: 'tags',
      title: 'tags',
      kind: 'list',
      role: 'target',
      required: true,
      detail: 'Column of JSON with the list of tags, one for each word.',
      usual: ['tags', 'ner_tags', 'pos_tags', 'chunk_tags'],
    },
  ],
  'text-generation': [
    {
      name: 'text',
      title: 'text',
      kind: 'text',
      role: 'target',
      required: false,
      detail: 'Column with the text.',
      usual: ['text', 'content', 'document', 'body', 'code', 'story', 'article', 'sentence', 'lyrics'],
      replaces: ['prompt', 'completion'],
    },
    {
      name: 'prompt',
      title: 'prompt',
      kind: 'text',
      role: 'input',
      required: false,
      detail: 'Column with what stands before the completion, and is not learnt.',
      usual: ['prompt', 'instruction', 'question', 'source'],
    },
    {
      name: 'completion',
      title: 'completion',
      kind: 'text',
      role: 'target',
      required: false,
      detail: 'Column with what the model learns to write.',
      usual: ['completion', 'response', 'output', 'answer', 'target'],
    },
  ],
  conversational: [
    {
      name: 'messages',
      title: 'messages',
      kind: 'list',
      role: 'target',
      required: false,
      detail: 'Column of JSON with the list of messages, each with a role and a content.',
      usual: ['messages', 'conversations', 'conversation', 'dialogue', 'dialog', 'turns', 'chat'],
      replaces: ['prompt', 'input', 'completion'],
    },
    {
      name: 'prompt',
      title: 'prompt',
      kind: 'text',
      role: 'input',
      required: false,
      detail: 'Column with what is asked, where each row is a question and its answer.',
      usual: ['prompt', 'instruction', 'question', 'query', 'user'],
    },
    {
      name: 'input',
      title: 'input',
      kind: 'text',
      role: 'input',
      required: false,
      detail: 'Column with what the prompt is about; it stands below the prompt.',
      usual: ['input', 'context'],
    },
    {
      name: 'completion',
      title: 'answer',
      kind: 'text',
      role: 'target',
      required: false,
      detail: 'Column with the answer.',
      usual: ['completion', 'output', 'response', 'answer', 'assistant'],
    },
    {
      name: 'system',
      title: 'system message',
      kind: 'text',
      role: 'input',
      required: false,
      detail: 'Column with the system message.',
      usual: ['system', 'system_prompt'],
    },
    {
      name: 'tools',
      title: 'tools',
      kind: 'list',
      role: 'input',
      required: false,
      detail:
        'Column of JSON with the list of tools that the assistant may call in a conversation, as OpenAI’s files have it.',
      usual: ['tools'],
    },
  ],
};

/** Rows that have the same value here are never on two sides of a split, whatever the task. Never guessed. */
export const GROUP: Field = {
  name: 'group',
  title: 'group',
  kind: 'group',
  role: 'split',
  required: false,
  detail:
    'Column with the document, customer or other source of a row: rows with the same value are never divided between training, validation and test, folds included.',
  usual: [],
};

/** All that columns of a task's data may be named for. */
export const columnFields = (task: TaskName): readonly Field[] => [...FIELDS[task], GROUP];

/** Fields that a task cannot do without and that no column is named for. */
export const lackingFields = (columns: Columns, task: TaskName): Field[] =>
  FIELDS[task].filter(({ name, required }) => required && columns[name] === undefined);

/** A field by its name. */
export function fieldOf(task: TaskName, name: keyof Columns): Field {
  return FIELDS[task].find((field) => field.name === name)!;
}
