import { basename, extname, resolve } from 'node:path';
import { windowOf } from '../../completions/window.ts';
import { readTextFile } from '../../files/text-file.ts';
import {
  type BackendChoice,
  type CompletionExtent,
  type CompletionRequest,
  completionProblem,
  LuthierError,
} from '../../protocol/index.ts';
import { MAX_BYTES } from '../data/source.ts';
import { openCompleter } from '../infer/completer.ts';
import { findModel } from '../runs/target.ts';
import { say } from './evaluate.ts';
import { interruptible } from './generate.ts';
import { EXIT, isInteractive, note, print, printJson } from './output.ts';
import { standardInput } from './text-input.ts';

export interface CompleteCommandOptions {
  file?: string;
  offset?: string;
  language?: string;
  extent?: CompletionExtent;
  maxTokens?: string;
  candidates?: string;
  budgetMs?: string;
  contextTokens?: string;
  backend?: BackendChoice;
  json?: boolean;
}

/** Languages by the ends of files' names, as the editor calls them, where sentences are suggested. */
const LANGUAGES: Readonly<Record<string, string>> = {
  '.md': 'markdown',
  '.markdown': 'markdown',
  '.txt': 'plaintext',
  '.prompty': 'prompty',
  '.tex': 'latex',
  '.rst': 'restructuredtext',
  '.adoc': 'asciidoc',
};

/** Suggests what comes next at a place of a file, or behind what is entered. */
export async function complete(model: string, options: CompleteCommandOptions): Promise<number> {
  const { file, backend } = options;
  const { path } = await findModel(model, process.cwd());
  const text = file === undefined ? await enteredText() : await readTextFile(resolve(file), FILE);
  const ending = file === undefined ? '.txt' : extname(file).toLowerCase();
  const request: CompletionRequest = {
    model: path,
    language: options.language ?? LANGUAGES[ending] ?? ending.slice(1),
    ...windowOf(text, placeIn(text, options.offset)),
    ...(file === undefined ? {} : { path: basename(file) }),
    ...(options.extent ? { extent: options.extent } : {}),
    ...numbersOf(options),
  };
  requireFitting(request);
  const completer = await openCompleter(path, { note: say, ...(backend ? { backend } : {}) });
  try {
    const answer = await interruptible((signal) => completer.complete(request, signal));
    if (options.json) printJson(answer);
    else for (const { text } of answer.items) print(text);
    if (answer.items.length === 0) note('There is nothing to suggest here.');
    return EXIT.done;
  } finally {
    completer.dispose();
  }
}

const FILE = {
  code: 'usage',
  noun: 'a file to complete',
  most: MAX_BYTES,
  hint: 'Pass the path of a text file to --file.',
} as const;

async function enteredText(): Promise<string> {
  if (isInteractive()) note('Enter the text in front of the cursor; press Ctrl-D to end.');
  const text = (await standardInput()).toString('utf8');
  // The end of the last line was typed to end it.
  return isInteractive() ? text.replace(/\r?\n$/, '') : text;
}

/** @throws LuthierError `usage` for an offset that the text does not have */
function placeIn(text: string, offset: string | undefined): number {
  if (offset === undefined) return text.length;
  const wanted = /^\d+$/.test(offset.trim()) ? Number(offset) : Number.NaN;
  let [at, count] = [0, 0];
  for (; count < wanted && at < text.length; count++) at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  if (count === wanted) return at;
  const characters = [...text].length;
  throw new LuthierError(
    'usage',
    `--offset is ${offset}, but the text has ${characters} characters.`,
    `Pass a whole number from 0 to ${characters}; without --offset, the text’s end is completed.`,
  );
}

/** @throws LuthierError `usage` naming the flag whose number cannot be */
function requireFitting(request: CompletionRequest): void {
  const problem = completionProblem(request);
  if (problem === null) return;
  const flag = (key: string) => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new LuthierError('usage', `${problem.replace(/^\w+/, flag)}.`, 'luthier complete --help explains each flag.');
}

/** An empty value is no number, though JavaScript makes 0 of it; the request's check names what is wrong. */
function numbersOf(options: CompleteCommandOptions): Partial<CompletionRequest> {
  const keys = ['maxTokens', 'candidates', 'budgetMs', 'contextTokens'] as const;
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = options[key];
      return value === undefined ? [] : [[key, value.trim() === '' ? Number.NaN : Number(value)]];
    }),
  );
}
