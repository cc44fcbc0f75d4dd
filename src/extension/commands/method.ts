import type { StrategySuggestion, TaskName } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import type { BACK, Choice, Question, Questions } from '../questions.ts';

/**
 * Asks which parameters of a model should be trained.
 * @param about what is to be learnt; `base` is the folder that a model's name may be relative to
 * @param before the answer of an earlier round, offered again
 */
export async function askMethod(
  { engine }: Luthier,
  questions: Questions,
  position: Pick<Question<StrategySuggestion>, 'step' | 'totalSteps' | 'canGoBack' | 'notice'>,
  about: { model: string; base: string; rows: number; classes?: number; named?: boolean; task: TaskName },
  before: StrategySuggestion | undefined,
): Promise<StrategySuggestion | typeof BACK> {
  const suggestions = await questions.work('Looking at the model…', (signal) =>
    engine.service.request('strategies/suggest', about, { signal }),
  );
  const items = suggestions.map(
    (suggestion): Choice<StrategySuggestion> => ({
      label: suggestion.title,
      ...(suggestion.isRecommended
        ? { description: suggestion.reason ? `recommended: ${suggestion.reason}` : 'recommended' }
        : {}),
      detail: suggestion.detail,
      value: suggestion,
    }),
  );
  return await questions.ask({
    ...{ ...position, placeholder: 'Which parameters should be trained?', items },
    active: items.find(({ label }) => label === before?.title),
  });
}
