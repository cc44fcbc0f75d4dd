import type { Comparison } from './comparison.ts';

/** A request that takes long says how far it is in `progress` or `answer/part` notifications that carry this token. */
export interface Progressing {
  progress_token?: string;
}

/** What is known before the whole answer. */
export type AnswerPart =
  /** How a comparison stands, and how far its candidate at work is. */
  | { type: 'comparison'; comparison: Comparison; share: number }
  /** Rows or texts that the model has answered, of all that it was asked. */
  | { type: 'rows'; done: number; total: number }
  /** What a model has written since the part before; nothing of it is taken back. `tokens`: of the answer so far. */
  | { type: 'text'; text: string; tokens: number };
