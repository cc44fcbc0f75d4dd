import type { PromptFile } from '../../prompts/prompt-file.ts';
import { referenceIn } from '../../prompts/references.ts';
import type { PromptMode, PromptRow, PromptValues } from '../../protocol/prompt-page.ts';
import type { Filling } from './answers.ts';

const defaultsOf = (file: PromptFile): PromptValues =>
  Object.fromEntries(
    file.inputs
      .map((input) => [input.name, input.sample ?? input.default] as const)
      .filter(([, value]) => value !== undefined),
  );

/** What fields begin with. */
export const shownSample = (file: PromptFile): PromptValues => ({ ...defaultsOf(file), ...file.sample });

/**
 * What the engine fills a template with: never the sample where a row of a dataset lacks something, nor where a field
 * was emptied. A sample that is in a file of its own is in no field, and a field shows `${file:…}` as it is written:
 * there the sample fills what nobody typed.
 */
export function fillingOf(
  mode: PromptMode,
  { id, values }: Pick<PromptRow, 'id' | 'values'>,
  file: PromptFile,
): Filling {
  if (mode === 'compare' && id !== 'sample') return { values, cells: values };
  const shown = shownSample(file);
  const typed = Object.entries(values).filter(
    ([name, value]) => typeof value !== 'string' || value !== shown[name] || referenceIn(value) === null,
  );
  const isAll = typed.length === Object.keys(values).length && file.sampleFile === null;
  return { values: Object.fromEntries(typed), ...(isAll && mode === 'try' && { cells: {} }) };
}
