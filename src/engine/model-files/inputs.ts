import { LuthierError, type Pooling, type TaskName } from '../../protocol/index.ts';
import { type ModelConfig, TEMPLATE_FILE } from '../hub/model-folder.ts';
import { OWN_KEY, ownValue } from '../models/config.ts';
import { keptSettings } from '../tasks/settings.ts';
import type { TaskSettings } from '../tasks/task.ts';
import type { TextInput } from '../text/tokenizer.ts';

/**
 * What a saved model says of its task, its inputs and how it answers.
 * @param inputs columns it was trained on: one, or two for pairs of texts
 * @param hasTemplate its rows were read through a template, which is in its folder
 * @param pooling how it reads a text, where that is not through a trained pooler
 */
export const ownEntry = (
  task: TaskName,
  inputs: readonly string[],
  settings: TaskSettings,
  hasTemplate = false,
  pooling?: Pooling,
): Record<string, unknown> => ({
  [OWN_KEY]: {
    ...(inputs.length === 0 ? { task } : { inputs }),
    ...keptSettings(settings),
    ...(hasTemplate && { template: TEMPLATE_FILE }),
    ...(pooling && { pooling }),
  },
});

/**
 * Whether a model's folder says that its rows were read through the template in it.
 * @throws LuthierError `model-invalid` where it names another file
 */
export const hasTemplate = (config: ModelConfig): boolean => {
  const isIt = (value: unknown): value is string => value === TEMPLATE_FILE;
  return ownValue(config, 'template', isIt, `must be "${TEMPLATE_FILE}"`) !== undefined;
};

/**
 * Columns that a model was trained on, one for each of its texts; undefined where its folder does not say.
 * @throws LuthierError `model-invalid` where it says what cannot be
 */
export function inputsOf(config: ModelConfig): readonly string[] | undefined {
  const isInputs = (value: unknown): value is string[] =>
    Array.isArray(value) && [1, 2].includes(value.length) && value.every((name) => typeof name === 'string');
  return ownValue(config, 'inputs', isInputs, 'must be a list of one column or two');
}

/** “premise” and “hypothesis”. */
export const pairNames = ([first, second]: readonly string[]): string => `“${first}” and “${second}”`;

/**
 * Half a pair is never answered, nor a pair by a model of single texts.
 * @throws LuthierError `usage`
 */
export function refuseWrongInputs(texts: readonly TextInput[], inputs: readonly string[] | undefined): void {
  if (inputs === undefined) return;
  const isPair = (text: TextInput): boolean => typeof text !== 'string' && text.text_pair !== undefined;
  const wrong = texts.findIndex((text) => isPair(text) !== (inputs.length === 2));
  if (wrong < 0) return;
  const which = texts.length === 1 ? 'only one was given' : `text ${wrong + 1} of ${texts.length} has no second`;
  if (inputs.length === 2) {
    throw new LuthierError(
      'usage',
      `This model was trained on pairs of texts (${pairNames(inputs)}), and ${which}.`,
      'Give both on one line, with ||| or a tab between them; in a terminal you can also use --text A --text-pair B, or --file with a table that has both columns.',
    );
  }
  throw new LuthierError(
    'usage',
    'This model was trained on single texts, but a second text was given.',
    'Leave the second text out.',
  );
}
