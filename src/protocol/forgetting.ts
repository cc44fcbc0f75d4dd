import type { Forgetting } from './events.ts';
import { capitalized } from './figures.ts';
import { formatMetric } from './metrics.ts';

/**
 * By what factor the perplexity of a general text may grow before much is forgotten. Perplexity is the number of tokens
 * that a model hesitates between: twice as many is a further bit for each token, of a text that has nothing to do with
 * what was learnt. It lies between what fine-tuning on many pages costs (a third more) and on a few lines (fifty times as
 * much): both are measured in docs/completions.md.
 */
const MUCH = 2;

/** Whether a model has lost much of what the one that it began with knew. */
export const forgetsMuch = ({ before, after }: Forgetting): boolean => after > MUCH * before;

/** What is said of one that has, beside its figures. */
export const FORGETS_MUCH = 'It has forgotten much of what the base model knew: the perplexity has more than doubled.';

/** What keeps more of it. */
export const FORGETTING_HINT = 'A lower learning rate, fewer epochs, more text or LoRA keep more.';

/** Both figures in a sentence. @param base as people know the model of before */
export function forgettingSentence(forgetting: Forgetting, base: string): string {
  const { before, after } = forgetting;
  const figures = `its perplexity of a general English text is ${figure(after)} (${base}: ${figure(before)})`;
  return forgetsMuch(forgetting)
    ? `It has forgotten much of what ${base} knew: ${figures}.`
    : `${capitalized(figures)}.`;
}

const figure = (perplexity: number): string => formatMetric('perplexity', perplexity);
