import { resolve } from 'node:path';
import {
  type Answered,
  type BackendChoice,
  counted,
  type GenerationSettings,
  LuthierError,
  SAMPLING_KEYS,
} from '../../protocol/index.ts';
import { places } from '../data/problems.ts';
import { answer } from '../infer/answer.ts';
import { AnswerNotes } from '../infer/answer-notes.ts';
import { errorAt, placeOf, readFileTexts } from '../infer/file-texts.ts';
import { openWriter, type Writer } from '../infer/writer.ts';
import { type RowTemplate, type RowText, throughTemplate } from '../prompts/row-template.ts';
import { findModel } from '../runs/target.ts';
import { say } from './evaluate.ts';
import { type GenerationFlags, settingsOf, writerOptions } from './generation-options.ts';
import { dim, EXIT, note, print, printJson, printPart } from './output.ts';
import { linesEntered, refuseBoth, tellColumns } from './text-input.ts';

export interface GenerateCommandOptions extends GenerationFlags {
  text: string[];
  suffix?: string[];
  file?: string;
  textColumn?: string;
  /** Fills the model's own template with the texts. */
  template?: boolean;
  encoding?: string;
  backend?: BackendChoice;
  json?: boolean;
}

export async function generate(model: string, options: GenerateCommandOptions): Promise<number> {
  const settings = settingsOf(options);
  const { path } = await findModel(model, process.cwd());
  const isFilled = options.template ?? false;
  if (isFilled && options.suffix)
    throw new LuthierError('usage', '--template and --suffix cannot be used together.', 'Pass one of the two.');
  // What cannot be read is told before a model is loaded; which columns fill a template, that alone tells.
  const read = isFilled && options.file !== undefined ? undefined : await readPrompts(options);
  const writer = await openWriter(path, { note: say, ...writerOptions(options) });
  const answers: Answered[] = [];
  let prompts: readonly Prompt[] = [];
  try {
    tellSuggestion(writer, settings);
    tellTemplate(writer, isFilled);
    prompts = read ?? (await readPrompts(options, writer.template?.asking));
    for (const [stream, { text, suffix, where, values }] of prompts.entries()) {
      if (!options.json && prompts.length > 1) note(dim(text.replace(/\s+/g, ' ').trim()));
      const answered = await interruptible((signal) =>
        answer(writer, text, {
          ...{ suffix, settings, signal, stream, values, asTaught: isFilled },
          ...(options.json ? {} : { onText: printPart }),
        }),
      ).catch((error: unknown) => {
        throw where === undefined ? error : errorAt(where, error);
      });
      printAnswer(answered, settings, options.json);
      answers.push(answered);
      if (answered.finish_reason === 'cancelled') return EXIT.interrupted;
    }
    return EXIT.done;
  } finally {
    // Of several answers, also where one of them fails.
    const lines = prompts.flatMap(({ line }) => line ?? []);
    if (prompts.length > 1) tellOfAnswers(answers, lines.length > 0 ? { noun: 'line', numbers: lines } : null);
    else for (const answered of answers) tellOfAnswer(answered, options.json);
    if (prompts.length === 1 && options.json) tellCutOff(answers);
    writer.dispose();
  }
}

/** How texts reach a model that learned its rows through a template. @throws LuthierError `usage` where it has none */
function tellTemplate({ template, modelFolder }: Writer, isFilled: boolean): void {
  if (isFilled && !template)
    throw new LuthierError(
      'usage',
      `${modelFolder} learned its rows as they are, and has no template to fill.`,
      'Leave --template out.',
    );
  if (!template) return;
  say(
    'info',
    isFilled
      ? throughTemplate(template)
      : `The model learned its rows through ${template.name}, and here texts go in as they are: pass --template to fill it with them, as in training.`,
  );
}

/** An answer's end, which in a terminal was written already, except that of a beam search. */
export function printAnswer(answered: Answered, { num_beams = 1 }: GenerationSettings, json?: boolean): void {
  const { text, generated_text, token_ids, tokens_per_second, tool_calls } = answered;
  if (json) printJson({ text, generated_text, token_ids, tokens_per_second, ...(tool_calls && { tool_calls }) });
  else print(num_beams > 1 ? generated_text : '');
}

/** What is to be said of an answer. @param json a program is told once how many are cut off (tellCutOff) */
export function tellOfAnswer({ token_ids, finish_reason, notes }: Answered, json?: boolean): void {
  for (const message of notes) say('warning', message);
  if (finish_reason === 'length' && !json) say('info', cutOffText(token_ids.length));
  if (finish_reason === 'cancelled') say('info', `Stopped after ${counted(token_ids.length, 'token')}.`);
}

/** What answers are to, by numbers that a person can find. */
interface Asked {
  noun: 'line' | 'row';
  numbers: readonly number[];
}

/** What is to be said of several answers, each thing once. @param asked null where they have no numbers */
export function tellOfAnswers(answers: readonly Ended[], asked: Asked | null): void {
  const said = new AnswerNotes('answer', asked?.noun ?? null);
  for (const [i, { notes }] of answers.entries())
    for (const message of notes) said.add(message, asked?.numbers[i] ?? i + 1);
  said.tell(say);
  tellCutOff(answers, asked);
  if (answers.at(-1)?.finish_reason === 'cancelled') say('info', 'Stopped; the last answer is not whole.');
}

/** Of a model that labels, an answer has no reason to end. */
type Ended = Pick<Answered, 'notes'> & Partial<Pick<Answered, 'finish_reason'>>;

export const cutOffText = (tokens: number): string =>
  `Cut off after ${counted(tokens, 'token')}; --max-new-tokens allows more.`;

/** How many answers are cut off, and which, is said once. */
export function tellCutOff(answers: readonly Ended[], asked: Asked | null = null): void {
  const cut = [...answers.keys()].filter((i) => answers[i]!.finish_reason === 'length');
  if (cut.length === 0) return;
  const which =
    answers.length === 1 ? 'The answer' : `${cut.length.toLocaleString('en')} of ${counted(answers.length, 'answer')}`;
  const numbers = cut.map((i) => asked?.numbers[i] ?? i);
  const where = asked ? ` (${places(numbers, numbers.length, asked.noun)})` : '';
  const are = cut.length === 1 ? 'is' : 'are';
  say('info', `${which} ${are} cut off at the token limit${where}; --max-new-tokens allows more.`);
}

/** What the model's makers suggest is told and not done: an answer depends on what was typed alone. */
export function tellSuggestion({ suggestion }: Writer, { do_sample }: GenerationSettings): void {
  if (do_sample || Object.keys(suggestion).length === 0) return;
  const flags = SAMPLING_KEYS.filter((key) => suggestion[key] !== undefined).map(
    (key) => `--${key.replaceAll('_', '-')} ${suggestion[key]}`,
  );
  say(
    'info',
    `generation_config.json suggests sampling; to use it, pass ${flags.length > 0 ? flags.join(' ') : '--sample'}.`,
  );
}

/** Ctrl-C ends what is being written and keeps it; pressed again, it ends the program. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', interrupt);
  }
}

/** A text, and where it stands where there are several. */
interface Prompt extends RowText {
  suffix?: string | undefined;
  where?: string;
  line?: number;
}

async function readPrompts(
  { text, suffix, file, textColumn, encoding }: GenerateCommandOptions,
  template?: RowTemplate,
): Promise<Prompt[]> {
  refuseBoth({ text, file });
  if (suffix && suffix.length !== text.length) {
    throw new LuthierError(
      'usage',
      `There are ${text.length} --text and ${suffix.length} --suffix.`,
      'Pass one --suffix for each --text; what stands between the two is written.',
    );
  }
  if (text.length > 0) {
    return text.map((text, i, { length }) => ({
      ...{ text, suffix: suffix?.[i] },
      ...(length > 1 && { where: `--text ${i + 1}` }),
    }));
  }
  if (file === undefined) {
    const lines = await linesEntered('prompt', encoding);
    return lines.map((text, i) => ({ text, where: `Line ${i + 1}`, line: i + 1 }));
  }
  const columns = textColumn === undefined ? {} : { text: textColumn };
  const read = await readFileTexts(resolve(file), { kind: 'prompts', template }, { encoding, columns, note: say });
  if (textColumn === undefined) tellColumns(read);
  return read.texts.map((row, i) => ({ ...row, where: placeOf(file, read.lines[i]!), line: read.lines[i]! }));
}
