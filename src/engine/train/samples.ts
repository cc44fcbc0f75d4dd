import type { Sample } from '../../protocol/index.ts';
import type { TaskRow } from '../data/types.ts';
import { CachedModel } from '../infer/cached-model.ts';
import { type NextToken, write } from '../infer/write.ts';
import type { TaskModel } from '../runtime/model.ts';
import type { SamplePrompt } from '../tasks/task.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

/** Tokens of an answer that shows how far a model is. */
const SAMPLE_TOKENS = 48;

interface Asked {
  model: TaskModel;
  tokenizer: Tokenizer;
  /** Validation rows, and the prompts that were found among them. */
  rows: readonly TaskRow[];
  prompts: readonly SamplePrompt[];
}

/**
 * What a model that learns to write answers to a few validation rows as it is, greedily.
 * @param between called before each token but an answer's first; what it throws ends the work
 */
export async function sampleAnswers(
  { model, tokenizer, rows, prompts }: Asked,
  between: () => Promise<void>,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const cached = new CachedModel(model);
  const asked: NextToken = {
    positions: cached.positions,
    begin: (prompt) => cached.begin(prompt),
    next: async (...given) => {
      await between();
      return cached.next(...given);
    },
  };
  for (const { row, ids, prompt, reference, ends } of prompts) {
    const answer = await write(asked, ids, {
      settings: { max_new_tokens: SAMPLE_TOKENS },
      ends: new Set(ends),
      decodeStream: () => tokenizer.decodeStream(),
    });
    const { file, line } = rows[row]!;
    samples.push({ file, line, prompt, reference, answer: answer.text });
  }
  return samples;
}

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
