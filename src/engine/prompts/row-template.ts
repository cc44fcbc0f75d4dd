import { basename } from 'node:path';
import { withoutAnswer } from '../../prompts/answer-part.ts';
import { parsePrompt } from '../../prompts/parse.ts';
import type { PromptFile } from '../../prompts/prompt-file.ts';
import { cellValue, inputValues } from '../../prompts/values.ts';
import { type ChatMessage, LuthierError, type Texts } from '../../protocol/index.ts';
import { nearest, orMeant } from '../../protocol/nearest.ts';
import { listedSome, quoted } from '../data/problems.ts';
import type { TableRow } from '../data/row-record.ts';
import type { Table } from '../data/table.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { PromptRenderer, promptFault } from './renderer.ts';
import { writtenExamples } from './rows.ts';
import type { LoadedPrompt } from './thread.ts';
import { truncateBy } from './truncate.ts';

/** What a template makes of a row. */
export interface RenderedRow {
  messages: ChatMessage[];
  /** The template's text where it is a completion, else what its messages say, with blank lines between them. */
  text: string;
}

/** A template through which rows are read. */
export interface RowTemplate {
  /** File name, as messages call it. */
  readonly name: string;
  /** Its exact text. */
  readonly text: string;
  readonly file: PromptFile;
  /** The same without what the model learned to say, where the template ends with that: its model is asked so. */
  readonly asking: RowTemplate;
  /** @throws LuthierError `prompt-invalid` naming the template's line; a variable without a value is an error */
  render(values: Record<string, unknown>, signal?: AbortSignal): Promise<RenderedRow>;
  /** All rows are rendered for now: its thread ends until the next one, unless somebody else's are still rendered. */
  rest(): void;
}

/** A row of a table, as a text that can be shown and as what it gives a template. */
export interface RowText extends Texts {
  values?: Readonly<Record<string, unknown>> | undefined;
}

/** Said where a model is asked as it was taught. */
export const throughTemplate = ({ name }: Pick<RowTemplate, 'name'>): string =>
  `Rows go through the model’s ${name}, as in training.`;

/** The column that fills an input. */
export const columnOf = ({ columns }: PromptFile, input: string): string =>
  Object.hasOwn(columns, input) ? columns[input]! : input;

/** Inputs that a row has to give: those without a default. */
export const neededInputs = ({ inputs }: PromptFile): string[] =>
  inputs.filter((input) => input.default === undefined).map(({ name }) => name);

/** What a table lacks of a template's inputs, with the column that may be meant. */
export function lackingColumns(file: PromptFile, columns: readonly string[]): { input: string; near?: string }[] {
  return neededInputs(file)
    .filter((input) => !columns.includes(columnOf(file, input)))
    .map((input) => {
      const wanted = columnOf(file, input);
      const near = nearest(wanted, columns, Math.max(2, wanted.length / 3));
      return { input, ...(near !== undefined && { near }) };
    });
}

/** A table has no column for an input of the template. */
export class LackingColumn extends LuthierError {}

/** @throws LackingColumn naming the input that no column fills */
export function requireColumnsOf({ name, file }: Pick<RowTemplate, 'name' | 'file'>, table: Table): void {
  const [first] = lackingColumns(file, table.columns);
  if (!first) return;
  const column = columnOf(file, first.input);
  throw new LackingColumn(
    'data-invalid',
    `${name} needs ${quoted(first.input)}, but ${table.name} has no column ${quoted(column)}${orMeant(first.near)}`,
    `Its columns are ${listedSome(table.columns, 20)}. Name the one that is meant in the template, “luthier: { columns: { ${first.input}: … } }”, or give the input a default.`,
  );
}

/**
 * What a text that somebody typed gives a template: the value of its only input, or of one with several the object of
 * JSON that has them; a pair of texts those of its two.
 * @throws LuthierError `usage`
 */
export function valuesOfText(
  { file, name }: Pick<RowTemplate, 'file' | 'name'>,
  given: string | RowText,
): Record<string, unknown> {
  const { text, text_pair, values: ofRow }: RowText = typeof given === 'string' ? { text: given } : given;
  if (ofRow) return { ...ofRow };
  const needed = neededInputs(file);
  const [first = file.inputs[0]?.name ?? 'text', second, ...more] = needed;
  // What is typed is read as a cell of the data is: “3.0” is the number that was learnt.
  const kinds = new Map(file.inputs.map(({ name, kind }) => [name, kind]));
  const asCell = ([name, value]: [string, unknown]) => [name, cellValue(value, kinds.get(name) ?? 'string')] as const;
  const filled = (row: Record<string, unknown>) =>
    inputValues(file, { values: Object.fromEntries(Object.entries(row).map(asCell)), row: {} });
  if (second === undefined && text_pair === undefined) return filled({ [first]: text });
  if (second !== undefined && more.length === 0 && text_pair !== undefined)
    return filled({ [first]: text, [second]: text_pair });
  const values = text_pair === undefined ? objectIn(text) : undefined;
  if (values && needed.every((input) => Object.hasOwn(values, input))) return filled(values);
  const example = JSON.stringify(Object.fromEntries(needed.map((input) => [input, '…'])));
  throw new LuthierError(
    'usage',
    `The model learned its rows through ${name}, which needs ${listedSome(needed, 10)}.`,
    `Give them as JSON, such as ${example}, or name a file with these columns.`,
  );
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The texts of a table's rows as valuesOfText reads them, and the columns that they are from.
 * @throws LuthierError as requireColumnsOf
 */
export function textsForTemplate(
  template: Pick<RowTemplate, 'file' | 'name'>,
  table: Table,
): { texts: RowText[]; from: string[] } {
  requireColumnsOf(template, table);
  const { file } = template;
  const needed = neededInputs(file);
  const names = file.inputs.map(({ name }) => name).filter((name) => table.columns.includes(columnOf(file, name)));
  const [only] = names;
  const isOne = names.length === 1 && needed.length === 1;
  const texts = Array.from(table.rows, (row) => {
    const values = valuesOf(file, table.columns, row);
    // Every row is answered, also an empty one.
    if (isOne) values[only!] ??= '';
    return {
      values,
      text: isOne
        ? String(values[only!])
        : JSON.stringify(Object.fromEntries(names.map((name) => [name, values[name]]))),
    };
  });
  return { texts, from: names.map((name) => columnOf(file, name)) };
}

/** What a row gives a template: its cells by their columns' names, and those of its inputs under the inputs' names. */
export function valuesOf(file: PromptFile, columns: readonly string[], row: TableRow): Record<string, unknown> {
  const cells = columns.flatMap((column, i) => {
    const cell = row.json(i) ?? row.value(i);
    return cell === undefined ? [] : [[column, cell] as const];
  });
  return inputValues(file, { row: Object.fromEntries(cells) });
}

/** A template with everything that it takes in: what its references stand for, and its body with all files. */
interface WholeTemplate {
  file: PromptFile;
  body: string;
}

/** A text that takes nothing in. */
export function wholeOf(text: string, file = parsePrompt(text)): WholeTemplate {
  return { file, body: text.slice(file.body.start, file.body.end) };
}

/**
 * Whether two templates make the same of the same rows: what else their front matter says counts for nothing, and which
 * examples are drawn is another matter.
 */
export function isSameTemplate(one: WholeTemplate, other: WholeTemplate): boolean {
  const counts = ({ file: { generation, model, inputs }, body }: WholeTemplate): string => {
    const given = inputs.map(({ name, kind, default: otherwise }) => [name, kind, otherwise]);
    return JSON.stringify([generation, model.api, given, body.replace(/\r\n/g, '\n')]);
  };
  return counts(one) === counts(other);
}

/** A template whose rows are not rendered: each is what its columns hold. Enough for checks of a recipe. */
export const unrendered = ({ path, text }: { path: string; text: string }): RowTemplate => ({
  ...{ name: basename(path), text, file: parsePrompt(text) },
  get asking() {
    return this;
  },
  render: async (values) => {
    const said = JSON.stringify(values);
    return { messages: [{ role: 'user', content: said }], text: said };
  },
  rest: () => {},
});

/** What its messages say, with blank lines between them, where a template is no completion. */
export const textOf = ({ messages, text }: { messages: readonly ChatMessage[]; text: string | null }): string =>
  text ?? messages.map(({ content }) => content).join('\n\n');

/**
 * Opens a template for rows. A variable that nothing gives a value is an error here: it would be learnt as nothing.
 * @param tokenizer of the model that reads them, for what the template cuts to tokens
 */
export function openRowTemplate(
  { path, text }: { path: string; text: string },
  tokenizer: () => Promise<Tokenizer>,
): RowTemplate {
  const name = basename(path);
  const file = parsePrompt(text);
  refuseOutside(name, file);
  return rowTemplate({ path, text, file }, tokenizer);
}

function rowTemplate(
  { path, text, file }: { path: string; text: string; file: PromptFile },
  tokenizer: () => Promise<Tokenizer>,
): RowTemplate {
  const name = basename(path);
  // Nothing else is read: the text is all of it.
  const prompt: LoadedPrompt = { text, path, included: new Map() };
  const truncating = /\btruncate_tokens\b/.test(text);
  let renderer: PromptRenderer | undefined;
  let rendering = 0;
  let asking: RowTemplate | undefined;
  const fill = async (values: Record<string, unknown>, signal: AbortSignal | undefined) => {
    rendering++;
    try {
      const truncate = truncating ? truncateBy(await tokenizer()) : null;
      renderer ??= new PromptRenderer();
      return await renderer.fill(prompt, values, { what: name, truncate, signal });
    } finally {
      rendering--;
    }
  };
  return {
    ...{ name, text, file },
    get asking() {
      const asked = withoutAnswer({ text, file });
      asking ??= asked.text === text ? this : rowTemplate({ path, ...asked }, tokenizer);
      return asking;
    },
    render: async (given, signal) => {
      const { examples } = file;
      const values = examples ? { examples: writtenExamples(file, examples, given), ...given } : given;
      const filled = await fill(values, signal);
      const [missing] = filled.undefinedNames;
      if (missing) throw promptFault(name, missing);
      return { messages: filled.messages, text: textOf(filled) };
    },
    rest: () => {
      if (asking && asking.text !== text) asking.rest();
      // A model that is evaluated may be asked beside it: what is rendered for that goes on.
      if (rendering > 0) return;
      renderer?.dispose();
      renderer = undefined;
    },
  };
}

/** What a template reads beside its own text may be other text tomorrow, and is in no model's folder. */
function refuseOutside(name: string, { references, examples }: PromptFile): void {
  const first = references.find(({ path }) => path === null || path[0] === 'inputs');
  if (!first && (!examples || examples.rows)) return;
  throw new LuthierError(
    'prompt-invalid',
    first
      ? `${name} takes in ${first.target}, which is not in the folder of its model.`
      : `${name} draws examples from a dataset, which is not in the folder of its model.`,
    `Write ${first ? 'what it says' : 'the examples (luthier.examples.rows)'} into the template.`,
  );
}
