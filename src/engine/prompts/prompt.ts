import { basename, resolve } from 'node:path';
import { endsWithAnswer, withoutAnswer } from '../../prompts/answer-part.ts';
import { parsePrompt } from '../../prompts/parse.ts';
import { lineAt } from '../../prompts/places.ts';
import type { PromptFile } from '../../prompts/prompt-file.ts';
import type { Filled } from '../../prompts/render.ts';
import { inputValues } from '../../prompts/values.ts';
import { counted, LuthierError, type PromptSource, type PromptWarning } from '../../protocol/index.ts';
import { datasetInside, loadPrompt, type Surroundings, surroundingsOf } from './files.ts';
import { atValue, behind, KeyFault } from './key-fault.ts';
import { type Environment, resolveReferences } from './references.ts';
import { type PromptRenderer, promptFault, type RenderOptions } from './renderer.ts';
import { drawExamples, noDataset, openPromptRows, type PromptRows, writtenExamples } from './rows.ts';
import type { LoadedPrompt } from './thread.ts';
import { bodyOf } from './whole.ts';

/** A template that is ready to be filled, row after row. */
export interface OpenPrompt {
  /** Its front matter, with everything that it refers to. */
  file: PromptFile;
  /** As messages name it. */
  name: string;
  /** Its exact text. */
  text: string;
  /** What is filled: the body with the files that it takes in. @throws LuthierError `prompt-invalid` */
  body(): string;
  /** Rows of its dataset; null where it has none. */
  rows: PromptRows | null;
  /** What should be said of the template itself. */
  warnings: PromptWarning[];
  /** Values without those that are missing. @param row from 1 on @throws LuthierError */
  valuesOf(row: number | null, typed?: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /**
   * Fills it for a row, or without one.
   * @throws LuthierError `prompt-invalid` naming the row and the line
   */
  fill(row: number | null, options: FillOptions): Promise<FilledPrompt>;
}

export interface FillOptions extends Omit<RenderOptions, 'what'> {
  renderer: PromptRenderer;
  typed?: Readonly<Record<string, unknown>> | undefined;
  /** What a name without a value is. */
  undefinedIs: 'error' | 'warning';
}

export interface FilledPrompt extends Filled {
  values: Record<string, unknown>;
  warnings: PromptWarning[];
}

export interface OpenOptions {
  signal?: AbortSignal | undefined;
  environment?: Environment;
}

/**
 * Opens a template: the files that it takes in, its sample, its dataset.
 * @throws LuthierError `prompt-invalid` for a template with errors, naming the first with its line, and for what cannot
 *   be read; as openRows for its dataset
 */
export async function openPrompt(source: PromptSource, { signal, environment }: OpenOptions = {}): Promise<OpenPrompt> {
  const around = surroundingsOf(source);
  const name = source.path === undefined ? 'The template' : basename(source.path);
  const read = parsePrompt(source.text);
  const isLearnt = endsWithAnswer({ text: source.text, file: read });
  // The answer that it ends with is what is learnt: a model is asked without.
  const { text, file: parsed } = isLearnt
    ? withoutAnswer({ text: source.text, file: read })
    : { text: source.text, file: read };
  const wrong = parsed.problems.find(({ severity }) => severity === 'error');
  if (wrong) throw promptFault(name, { ...wrong, line: lineAt(source.text, wrong.range.start) });
  // A row never has anything of the sample, which then need not be readable.
  const isForRows = source.row !== undefined || source.data !== undefined || source.cells !== undefined;
  const inputs = parsed.inputs.map((input) => ({ ...input, sample: undefined }));
  const needed = isForRows ? { ...parsed, inputs, sample: null, sampleFile: null } : parsed;
  const file = await resolved(needed, around, environment).catch((error: unknown) => {
    if (!(error instanceof LuthierError)) throw error;
    throw behind(name, error);
  });
  const prompt = await loadPrompt(text, around);
  const { rows, examples } = await rowsOf(source, file, around, signal);
  const warnings = parsed.problems
    .filter(({ severity }) => severity === 'warning')
    .map(({ message, range }): PromptWarning => ({ message, range, line: lineAt(source.text, range.start) }));
  if (isLearnt) {
    const { range } = read.parts.at(-1)!;
    const message = 'The answer that the template ends with is what a model learns, and is left out when it is asked.';
    warnings.push({ message, range, line: lineAt(source.text, range.start) });
  }
  const valuesOf: OpenPrompt['valuesOf'] = (row, typed) => {
    const own = inputValues(file, { values: typed, row: row === null ? source.cells : rowsNeeded(rows, name).at(row) });
    if (examples)
      return { examples: drawExamples(examples, file, file.examples!, examples === rows ? row : null), ...own };
    return file.examples ? { examples: writtenExamples(file, file.examples, own), ...own } : own;
  };
  return {
    ...{ file, name, text: source.text, rows, warnings, valuesOf },
    body: () => bodyOf(name, prompt, parsed),
    fill: filler(prompt, file, name, valuesOf),
  };
}

function filler(
  prompt: LoadedPrompt,
  file: PromptFile,
  name: string,
  valuesOf: OpenPrompt['valuesOf'],
): OpenPrompt['fill'] {
  const included = [...prompt.included.values()].map((one) => ('text' in one ? one.text : ''));
  const usesTokens = [prompt.text, ...included].some((text) => /\btruncate_tokens\b/.test(text));
  return async (row, { renderer, typed, undefinedIs, ...options }) => {
    const what = row === null ? name : `${name}, row ${row}`;
    const values = valuesOf(row, typed);
    const filled = await renderer.fill(prompt, values, { ...options, what });
    const [first, ...more] = filled.undefinedNames;
    if (first && undefinedIs === 'error') {
      const others =
        more.length > 0 ? ` ${counted(more.length, 'more name')} ${more.length === 1 ? 'has' : 'have'} none.` : '';
      throw promptFault(what, { ...first, message: first.message + others });
    }
    const warnings: PromptWarning[] = filled.undefinedNames.map(({ message, range, line }) => ({
      message,
      range,
      line,
    }));
    if (usesTokens && !options.truncate)
      warnings.push({ message: 'truncate_tokens needs a model, so nothing is cut here.', range: null, line: null });
    if (filled.messages.length === 0)
      warnings.push({ message: 'The prompt is empty.', range: file.body, line: lineAt(prompt.text, file.body.start) });
    return { ...filled, values, warnings };
  };
}

/** The front matter with what it refers to; the sample is read where it stands in a file. */
async function resolved(file: PromptFile, around: Surroundings, environment?: Environment): Promise<PromptFile> {
  const follow = (value: unknown, path: string) => resolveReferences(value, path, around, environment);
  const sample = file.sampleFile === null ? file.sample : await follow(`\${file:${file.sampleFile}}`, 'sample');
  if (sample !== null && (typeof sample !== 'object' || Array.isArray(sample)))
    throw new KeyFault(
      { key: 'sample', part: 'key' },
      'prompt-invalid',
      `sample: ${file.sampleFile} has no inputs with values.`,
      'Write {"input": "value"}.',
    );
  const values = (await follow(sample, 'sample')) as Record<string, unknown> | null;
  const inputs = await Promise.all(
    file.inputs.map(async (input) => ({
      ...input,
      ...(input.default !== undefined && { default: await follow(input.default, `inputs.${input.name}.default`) }),
      ...sampleOf(
        values,
        input.name,
        input.sample === undefined ? undefined : await follow(input.sample, `inputs.${input.name}`),
      ),
    })),
  );
  const { name, options } = file.model;
  const model = {
    ...file.model,
    ...(name !== undefined && { name: String(await follow(name, 'model')) }),
    options: (await follow(options, 'model.options')) as Record<string, unknown>,
  };
  return { ...file, inputs, model, sample: values };
}

const sampleOf = (values: Record<string, unknown> | null, name: string, own: unknown): { sample?: unknown } => {
  const sample = values && Object.hasOwn(values, name) ? values[name] : own;
  return sample === undefined ? {} : { sample };
};

const DATASET = 'luthier.dataset';

/** Rows that fill the template, and those that its examples are drawn from. */
async function rowsOf(
  { data }: PromptSource,
  { dataset, examples }: PromptFile,
  around: Surroundings,
  signal?: AbortSignal,
): Promise<{ rows: PromptRows | null; examples: PromptRows | null }> {
  // What a person names is his own choice; what a template names lies in the workspace.
  const inside = (name: string, key: string) =>
    atValue(
      key,
      datasetInside(name, around.folder, around.roots).then((place) => openPromptRows(place, signal)),
    );
  const own =
    data === undefined
      ? dataset === undefined
        ? null
        : inside(dataset, DATASET)
      : openPromptRows(resolve(data), signal);
  const rows = await own;
  if (!examples || examples.rows) return { rows, examples: null };
  if (examples.dataset !== undefined) {
    const same = examples.dataset === dataset && data === undefined;
    return { rows, examples: same ? rows : await inside(examples.dataset, 'luthier.examples.dataset') };
  }
  if (dataset !== undefined) return { rows, examples: data === undefined ? rows : await inside(dataset, DATASET) };
  if (rows) return { rows, examples: rows };
  throw new KeyFault(
    { key: 'luthier.examples', part: 'key' },
    'prompt-invalid',
    'luthier.examples: there is no dataset to draw them from.',
    'Name one: luthier: { dataset: FILE }.',
  );
}

function rowsNeeded(rows: PromptRows | null, name: string): PromptRows {
  if (rows) return rows;
  throw noDataset(name);
}
