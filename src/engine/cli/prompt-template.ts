import { homedir } from 'node:os';
import { dirname, parse, resolve } from 'node:path';
import { contains } from '../../files/folders.ts';
import { readTextFile } from '../../files/text-file.ts';
import { cellValue } from '../../prompts/values.ts';
import {
  type BackendChoice,
  type CodeLanguage,
  counted,
  formatPercent,
  LuthierError,
  type PromptAnswer,
  type PromptSource,
  type PromptWarning,
} from '../../protocol/index.ts';
import { nearest, orMeant } from '../../protocol/nearest.ts';
import { findData } from '../data/resolve.ts';
import { nearModel } from '../hub/resolve.ts';
import { AnswerNotes } from '../infer/answer-notes.ts';
import { predictorOf } from '../infer/predictor.ts';
import { type PromptModel, readPromptModel, renderRow } from '../infer/prompt-model.ts';
import { runPrompt } from '../infer/prompt-run.ts';
import { shareWriter } from '../infer/writer.ts';
import { openModel } from '../model-files/open-model.ts';
import { type OpenPrompt, openPrompt } from '../prompts/prompt.ts';
import { PromptRenderer } from '../prompts/renderer.ts';
import { findModel } from '../runs/target.ts';
import { isTableFile } from './data-files.ts';
import { say } from './evaluate.ts';
import { cutOffText, interruptible, tellOfAnswers } from './generate.ts';
import { type GenerationFlags, settingsOf, writerOptions } from './generation-options.ts';
import { dim, EXIT, note, print, printJson, printPart } from './output.ts';

export interface PromptCommandOptions extends GenerationFlags {
  data?: string;
  row?: string;
  set: string[];
  model?: string;
  /** The language of a program that asks the model. */
  as?: CodeLanguage;
  backend?: BackendChoice;
  json?: boolean;
}

const MOST_BYTES = 4 << 20;

/** `luthier prompt render`: what a model would read, of one row, of all rows of --data, or of the sample. */
export async function renderTemplate(path: string, options: PromptCommandOptions): Promise<number> {
  if (options.as !== undefined) return await writeCode(path, { ...options, as: options.as });
  const { open, source, rows } = await opened(path, options);
  const model =
    options.model === undefined ? null : await readPromptModel((await findModel(options.model, process.cwd())).path);
  const renderer = new PromptRenderer();
  const warned = new RowWarnings(rows.length);
  try {
    for (const row of rows) {
      const { prompt } = await renderRow(open, row, source, { renderer, model });
      heading(row, rows.length, options.json);
      warned.add(prompt.warnings, row);
      if (!options.json) print(prompt.prompt);
      else printJson({ row, messages: prompt.messages, prompt: prompt.prompt, tokens: prompt.tokens });
      if (!options.json && prompt.tokens !== null) note(dim(counted(prompt.tokens, 'token')));
    }
    return EXIT.done;
  } finally {
    warned.tell();
    renderer.dispose();
  }
}

/** `luthier prompt render --as`: a program that asks the model. */
async function writeCode(
  path: string,
  { as: language, ...options }: PromptCommandOptions & { as: CodeLanguage },
): Promise<number> {
  const { open, source, rows } = await opened(path, options);
  if (rows.length !== 1)
    throw new LuthierError('usage', `A program asks for one row; there are ${rows.length}.`, 'Name one: --row N.');
  const { found, named } = await findModelOf(open, path, options);
  const { codeOfPrompt } = await import('../infer/prompt-code.ts');
  const model = await readPromptModel(found.path);
  const renderer = new PromptRenderer();
  try {
    const [row] = rows as [number | null];
    const { code, needs_onnx } = await codeOfPrompt(open, row, source, { renderer, model, modelName: named, language });
    if (options.json) printJson({ row, language, code });
    else printPart(code);
    if (needs_onnx)
      say(
        'warning',
        `${named} has no onnx/model.onnx, which transformers.js loads; luthier export RUN --format onnx writes it.`,
      );
    return EXIT.done;
  } finally {
    renderer.dispose();
  }
}

/** `luthier prompt run`: the same, and what a model answers. */
export async function runTemplate(path: string, options: PromptCommandOptions): Promise<number> {
  const settings = settingsOf(options);
  const { open, source, rows } = await opened(path, options);
  const asked = await modelOf(open, path, options);
  const renderer = new PromptRenderer();
  const answers: PromptAnswer[] = [];
  const isOne = rows.length === 1;
  const warned = new RowWarnings(rows.length);
  try {
    for (const row of rows) {
      heading(row, rows.length, options.json);
      let written = '';
      const onText = (text: string) => {
        written += text;
        if (!options.json) printPart(text);
      };
      const answer = await interruptible((signal) =>
        runPrompt(open, row, source, asked, { renderer, settings, signal, onText }),
      );
      warned.add(answer.warnings, row);
      const { prompt, answer: text, tokens, ms, labels, finish_reason, notes } = answer;
      if (options.json) printJson({ row, prompt, answer: text, tokens, ms, ...(labels && { labels }) });
      else print(written === '' ? text : '');
      if (!options.json) for (const { label, score } of labels ?? []) note(dim(`${label}  ${formatPercent(score)}`));
      if (isOne) {
        for (const message of notes) say('warning', message);
        if (finish_reason === 'length') say('info', cutOffText(tokens));
      }
      answers.push(answer);
      if (finish_reason === 'cancelled') return EXIT.interrupted;
    }
    return EXIT.done;
  } finally {
    // Of several rows, also where one of them fails.
    warned.tell();
    if (!isOne) tellOfAnswers(answers, { noun: 'row', numbers: answers.map(({ row }) => row!) });
    renderer.dispose();
    asked.dispose();
  }
}

async function opened(
  file: string,
  { data, row, set }: PromptCommandOptions,
): Promise<{ open: OpenPrompt; source: PromptSource; rows: (number | null)[] }> {
  const path = resolve(file);
  if (isTableFile(file))
    throw new LuthierError(
      'usage',
      `${file} is a data file, not a prompt template.`,
      `Name a .prompty file; --data ${file} fills it with each of its rows.`,
    );
  const text = await readTextFile(path, {
    ...{ code: 'usage', noun: 'a template', most: MOST_BYTES, subject: file },
    ...{ hint: 'Name a .prompty file.', keepsMark: true },
  });
  const source: PromptSource = {
    ...{ text, path, roots: workspaceOf(path) },
    ...(data !== undefined && { data: await findData(data, process.cwd()) }),
    ...(row !== undefined && { row: rowNumber(row) }),
  };
  const open = await openPrompt(source);
  source.values = typedValues(set, open);
  tellUnknown(Object.keys(source.values), open);
  if (source.row !== undefined || data !== undefined)
    for (const { message } of open.rows?.leftOut ?? []) say('warning', `${message} Such rows are left out.`);
  const rows =
    source.row !== undefined
      ? [source.row]
      : data !== undefined
        ? [...Array(open.rows!.length).keys()].map((i) => i + 1)
        : [null];
  return { open, source, rows };
}

/** @throws LuthierError `usage` for what is no number of a row */
function rowNumber(row: string): number {
  if (/^[1-9]\d*$/.test(row)) return Number(row);
  throw new LuthierError(
    'usage',
    `--row is ${row}; it must be a whole number, from 1 on.`,
    'The first row is --row 1.',
  );
}

/** Values of names that the template does not declare fill it only where its text has them. */
function tellUnknown(names: readonly string[], { file, name: template }: OpenPrompt): void {
  const known = file.inputs.map(({ name }) => name);
  for (const name of names.filter((name) => !known.includes(name))) {
    say('warning', `“${name}” is not an input of ${template}${orMeant(nearest(name, known, 2))}`);
  }
}

/** The template's folder, and the one that the command runs in, where the template lies in that. */
function workspaceOf(path: string): string[] {
  const [folder, here] = [dirname(path), process.cwd()];
  return contains(here, folder) && here !== parse(here).root && here !== homedir() ? [folder, here] : [folder];
}

/** `--set name=value`; a value is what the input is, a number or JSON where it is none. */
function typedValues(set: readonly string[], { file }: OpenPrompt): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const given of set) {
    const at = given.indexOf('=');
    if (at < 1) throw new LuthierError('usage', `--set ${given} has no value.`, 'Write it as --set name=value.');
    const name = given.slice(0, at);
    const kind = file.inputs.find((input) => input.name === name)?.kind ?? 'string';
    values[name] = cellValue(given.slice(at + 1), kind);
  }
  return values;
}

type AskedModel = Parameters<typeof runPrompt>[3] & { dispose: () => void };

/** The model of --model, or the one that the template names, where it is one that is here. */
async function findModelOf(
  { file, name }: OpenPrompt,
  path: string,
  options: PromptCommandOptions,
): Promise<{ found: Awaited<ReturnType<typeof findModel>>; named: string }> {
  const named = options.model ?? file.model.name;
  if (named === undefined)
    throw new LuthierError(
      'usage',
      `${name} names no model.`,
      'Pass --model: a model folder, a run, a starter or a Hugging Face name.',
    );
  const base = options.model === undefined ? dirname(resolve(path)) : process.cwd();
  const found = await findModel(named, base).catch(async (error: unknown) => {
    if (options.model !== undefined || !(error instanceof LuthierError)) throw error;
    const near = error.code === 'model-not-found' ? await nearModel(named, { base }) : undefined;
    throw new LuthierError(
      error.code,
      `${name} names the model “${named}”, which is not on this machine${orMeant(near)}`,
      'Pass another as --model.',
      { cause: error },
    );
  });
  if (options.model === undefined) say('info', `The template names ${named}.`);
  return { found, named };
}

async function modelOf(open: OpenPrompt, path: string, options: PromptCommandOptions): Promise<AskedModel> {
  const { found } = await findModelOf(open, path, options);
  const model: PromptModel = await readPromptModel(found.path);
  let loading: ReturnType<typeof openModel> | undefined;
  const load = () => {
    loading ??= openModel(found.path, options.backend ?? 'auto', say);
    return loading;
  };
  return {
    model,
    writer: () => shareWriter(found.path, load, say, writerOptions(options)),
    predictor: async () => predictorOf(await load(), { note: say }),
    dispose: () =>
      void loading?.then(
        (open) => open.dispose(),
        () => undefined,
      ),
  };
}

function heading(row: number | null, count: number, json: boolean | undefined): void {
  if (!json && row !== null && count > 1) note(dim(`Row ${row}`));
}

/** A template's warnings: of one row at once, of several each thing once at the end, with the rows that it is said of. */
class RowWarnings {
  readonly #said = new AnswerNotes('row', 'row');

  /** @param rows that are filled in all */
  constructor(private readonly rows: number) {}

  add(warnings: readonly PromptWarning[], row: number | null): void {
    for (const { message, line } of warnings) {
      const text = line === null ? message : `Line ${line}: ${message}`;
      if (this.rows === 1 || row === null) say('warning', text);
      else this.#said.add(text, row);
    }
  }

  tell(): void {
    this.#said.tell(say);
  }
}
