import { resolve } from 'node:path';
import {
  type Answered,
  type BackendChoice,
  type GenerationSettings,
  LuthierError,
  SAMPLING_KEYS,
} from '../../protocol/index.ts';
import { guessColumns } from '../data/columns.ts';
import { readTable } from '../data/read.ts';
import { answer } from '../infer/answer.ts';
import { openWriter, type Writer } from '../infer/writer.ts';
import { findModel } from '../runs/target.ts';
import { say } from './evaluate.ts';
import { type GenerationFlags, settingsOf } from './generation-options.ts';
import { dim, EXIT, note, print, printJson, printPart } from './output.ts';
import { isPlainText, linesEntered, linesOf, refuseBoth } from './text-input.ts';

export interface GenerateCommandOptions extends GenerationFlags {
  text: string[];
  file?: string;
  textColumn?: string;
  encoding?: string;
  backend?: BackendChoice;
  json?: boolean;
}

export async function generate(model: string, options: GenerateCommandOptions): Promise<number> {
  const settings = settingsOf(options);
  const { path } = await findModel(model, process.cwd());
  const texts = await readPrompts(options);
  const writer = await openWriter(path, { note: say, ...(options.backend ? { backend: options.backend } : {}) });
  try {
    tellSuggestion(writer, settings);
    for (const [stream, text] of texts.entries()) {
      if (!options.json && texts.length > 1) note(dim(text.replace(/\s+/g, ' ').trim()));
      const answered = await interruptible((signal) =>
        answer(writer, text, { settings, signal, stream, ...(options.json ? {} : { onText: printPart }) }),
      );
      tell(answered, settings, options.json);
      if (answered.finish_reason === 'cancelled') return EXIT.interrupted;
    }
    return EXIT.done;
  } finally {
    writer.dispose();
  }
}

/** An answer's end, which in a terminal was written already, except that of a beam search. */
export function tell(answered: Answered, { num_beams = 1 }: GenerationSettings, json?: boolean): void {
  const { text, generated_text, token_ids, tokens_per_second, notes } = answered;
  if (json) printJson({ text, generated_text, token_ids, tokens_per_second });
  else print(num_beams > 1 ? generated_text : '');
  for (const message of notes) say('warning', message);
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

async function readPrompts({ text, file, textColumn, encoding }: GenerateCommandOptions): Promise<string[]> {
  refuseBoth({ text, file });
  if (text.length > 0) return text;
  if (file === undefined) return linesEntered('prompt', encoding);
  const path = resolve(file);
  if (isPlainText(path) && textColumn === undefined) return linesOf(path, encoding);
  const table = await readTable({ file: path }, { encoding });
  for (const { severity, message } of table.problems) if (severity !== 'info') say('warning', message);
  const usual = ['prompt', 'text'].find((name) => table.columns.includes(name));
  const column =
    textColumn ?? usual ?? guessColumns(table, {}, undefined, { pairs: false }).columns.text ?? table.columns[0]!;
  const index = table.columns.indexOf(column);
  if (index < 0) {
    throw new LuthierError(
      'usage',
      `${file} has no column “${column}”; it has ${table.columns.join(', ')}.`,
      'Pass one of them as --text-column.',
    );
  }
  if (textColumn === undefined) say('info', `Reading prompts from column ${column}.`);
  return table.rows.map((row) => row.value(index) ?? '');
}
