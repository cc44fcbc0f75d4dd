import type { SamplePrompt } from '../tasks/task.ts';

/** Tokens of an answer that shows how far a model is. */
export const SAMPLE_TOKENS = 48;

/**
 * Why a model that learns to write will answer no validation rows during a run; null where it will.
 * @param of.prompts those that were found among the validation rows
 */
export function whyNoSamples(of: { prompts: readonly SamplePrompt[]; rows: number }): string | null {
  // Without validation rows there are no evaluations either.
  if (of.rows === 0) return null;
  if (of.prompts.length > 0) return null;
  return 'No sample answers are written during the run: no validation row has a prompt shorter than max_length or, as plain text, enough tokens to continue from.';
}
