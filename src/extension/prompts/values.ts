import type { Name } from '../../prompts/names.ts';
import type { PromptInput } from '../../prompts/prompt-file.ts';
import { shorten } from '../format.ts';
import type { Look } from './documents.ts';

/** What stands in an input, and where that comes from. */
export interface Given {
  value: unknown;
  from: string;
}

/** A value to show for a name: the file's sample, its default, or one of the dataset's column. */
export function givenValue({ file, around }: Look, name: string): Given | null {
  const input = file.inputs.find((one) => one.name === name);
  if (input?.sample !== undefined) return { value: input.sample, from: 'sample' };
  if (file.sample && Object.hasOwn(file.sample, name)) return { value: file.sample[name], from: 'sample' };
  if (Object.hasOwn(around.sampleValues, name))
    return { value: around.sampleValues[name], from: file.sampleFile ?? 'sample' };
  const column = columnOf({ file, around }, name);
  const example = column?.examples.find((text) => text.trim() !== '');
  if (column && example !== undefined) return { value: example, from: `column ${column.name}` };
  return input?.default === undefined ? null : { value: input.default, from: 'default' };
}

/** Column of the bound dataset that fills an input. */
export function columnOf({ file, around }: Pick<Look, 'file' | 'around'>, name: string) {
  const column = Object.hasOwn(file.columns, name) ? file.columns[name] : name;
  return around.data?.columns.find((one) => one.name === column) ?? null;
}

export const inputOf = ({ file }: Look, name: string): PromptInput | undefined =>
  file.inputs.find((input) => input.name === name);

/** The name that a place is in, or right behind. */
export const nameAt = ({ check }: Look, offset: number): Name | undefined =>
  check.names.find(({ range }) => range.start <= offset && offset <= range.end);

/** A value in a line. */
export function shownValue(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return shorten(text, 200);
}
