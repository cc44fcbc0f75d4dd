import { dirname } from 'node:path';
import type { Columns, DataSummary } from '../../protocol/index.ts';
import { shorten } from '../format.ts';
import { nameFrom } from './completion.ts';
import { type KindId, type KindInput, type Language, WORDS } from './templates/kinds.ts';
import { type FilledInput, kindOf, writeTemplate } from './templates/write.ts';
import { yamlText } from './yaml-text.ts';

/** Rows that a template is written for. */
export interface TemplateData {
  /** The file, or the folder of a dataset that Luthier made. */
  path: string;
  summary: DataSummary;
  /** Column of each input, by the input's key; those that are missing keep their example. */
  columns: Readonly<Record<string, string>>;
}

/** More labels make a list that no model keeps in mind. */
export const MOST_LABELS = 50;

/** Columns that are plainly those of a template's inputs. */
export function guessColumns(inputs: readonly KindInput[], { guess, columns }: DataSummary): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { key, fields } of inputs) {
    const named = columns.find(({ name }) => name.toLowerCase() === key)?.name;
    const guessed = fields.map((field: keyof Columns) => guess[field]).find((name) => name !== undefined);
    const column = named ?? guessed;
    // Not the same one for two of them.
    if (column !== undefined && !Object.values(found).includes(column)) found[key] = column;
  }
  return found;
}

/** Examples that are drawn: enough to show the form, few enough for a small model. */
const EXAMPLES = 4;

const NAME = /^[\p{ID_Start}_][\p{ID_Continue}]*$/u;

/** The text of a new template: a kind's, with the columns and labels of a dataset in their places. */
export function newTemplate(id: KindId, language: Language, path: string, data: TemplateData | null): string {
  const { inputs, labels: labelSlot } = kindOf(id);
  const { title, slots, examples, labelLine, drawn } = WORDS[language][id];
  const columns: Record<string, string> = {};
  const filled: Record<string, FilledInput> = {};
  for (const { key } of inputs) {
    const column = data?.summary.columns.find(({ name }) => name === data.columns[key]);
    const name = column && NAME.test(column.name) ? column.name : key;
    if (column && column.name !== name) columns[name] = yamlText(column.name);
    const example = column?.examples.find((text) => text.trim() !== '');
    filled[key] = { name, example: yamlText(example === undefined ? examples[key]! : shorten(example, 300)) };
  }
  const answer = data?.summary.guess.label;
  const isDrawn =
    drawn !== undefined && answer !== undefined && data!.summary.classes.length > 0 && columnsFilled(inputs, data!);
  const slot = isDrawn ? 'labels' : labelSlot;
  const labels = data && slot && labelLine ? labelsOf(data.summary) : [];
  const isYaml = kindOf(id).verbalizer === true;
  const lines = labels.map((label) =>
    labelLine!.replaceAll('‹label›', () => (isYaml ? yamlText(label) : asText(label))),
  );
  return writeTemplate(id, language, {
    title,
    inputs: filled,
    slots: {
      ...slots,
      ...(labels.length > 0 && { [slot!]: lines.join('\n') }),
      ...(isDrawn && {
        exampleText: member('example', filled[inputs[0]!.key]!.name),
        exampleAnswer: member('example', answer),
      }),
    },
    ...(data && {
      dataset: {
        path: yamlText(nameFrom(dirname(path), data.path)),
        columns,
        ...(isDrawn && { examples: EXAMPLES }),
      },
    }),
  });
}

/** A text of the data as a template writes it: its braces are braces, and begin nothing. */
const asText = (text: string): string => text.replace(/\{(?=[{%#])/g, '{{ "{" }}');

const columnsFilled = (inputs: readonly KindInput[], { columns }: TemplateData): boolean =>
  inputs.every(({ key }) => columns[key] !== undefined);

/** How a template reaches what a row has under a name. */
const member = (of: string, name: string): string =>
  NAME.test(name) ? `${of}.${name}` : `${of}[${JSON.stringify(name)}]`;

/** Labels that are written into a template, the most frequent first. */
const labelsOf = ({ classes }: DataSummary): string[] =>
  classes.slice(0, MOST_LABELS).map(({ label }) => shorten(label, 100));
