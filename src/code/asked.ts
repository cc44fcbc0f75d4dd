import type { ChatMessage, GenerationSettings } from '../protocol/generation.ts';
import type { AnswerName } from '../protocol/tasks.ts';

/** A rendered prompt as a program hands it to a model. */
export type ReadPrompt =
  /** As it is, with the special tokens that the tokenizer puts around a text. */
  | { as: 'text'; text: string }
  /** By the tokenizer's chat template, and behind that what the assistant has begun to say. */
  | {
      as: 'chat';
      messages: readonly ChatMessage[];
      begun: string;
      /** Where the tokenizer has none. */
      chatTemplate: string | null;
    };

/** For each label the texts that stand for it. */
export type LabelWords = Readonly<Record<string, readonly string[]>>;

/** What a program asks of a model. */
export type AskedInCode =
  /** @param ends tokens that end the answer, with their texts */
  | {
      does: 'write';
      prompt: ReadPrompt;
      settings: GenerationSettings & { max_new_tokens: number };
      ends: readonly { id: number; token: string }[];
    }
  /** How likely the words of each label come next; blanks stand in them. */
  | { does: 'continue'; prompt: ReadPrompt; words: LabelWords }
  /** How likely they are at the text's only mask. */
  | { does: 'fill'; text: string; mask: string; words: LabelWords }
  /** Whatever its pipeline answers to a text. */
  | { does: 'answer'; task: AnswerName; text: string; cutTo?: number };

export interface CodeRequest {
  /** What is asked of whom, and what should be said of it: a comment for each. */
  about: readonly string[];
  /** The model's. */
  folder: string;
  asked: AskedInCode;
}
