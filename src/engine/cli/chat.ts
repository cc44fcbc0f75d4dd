import { createInterface } from 'node:readline';
import { type Answered, type BackendChoice, LuthierError } from '../../protocol/index.ts';
import { answer, learnedTexts } from '../infer/answer.ts';
import { openWriter } from '../infer/writer.ts';
import { findModel } from '../runs/target.ts';
import type { ChatMessage } from '../text/chat-template.ts';
import { say } from './evaluate.ts';
import { tell, tellCutOff, tellSuggestion } from './generate.ts';
import { type GenerationFlags, settingsOf, writerOptions } from './generation-options.ts';
import { EXIT, isInteractive, note, printPart } from './output.ts';

export interface ChatCommandOptions extends GenerationFlags {
  system?: string;
  backend?: BackendChoice;
  json?: boolean;
}

/** A conversation, a line at a time. */
export async function chat(model: string, options: ChatCommandOptions): Promise<number> {
  const settings = settingsOf(options);
  const { path } = await findModel(model, process.cwd());
  const writer = await openWriter(path, { note: say, ...writerOptions(options) });
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: isInteractive() });
  let answering: AbortController | undefined;
  const interrupt = () => {
    if (answering === undefined || answering.signal.aborted) lines.close();
    else answering.abort();
  };
  // In a terminal the line editor hears Ctrl-C, else the process does.
  lines.on('SIGINT', interrupt);
  process.on('SIGINT', interrupt);
  let code: number = EXIT.done;
  try {
    const { chat } = writer;
    if (chat.note !== null) say('warning', chat.note);
    tellSuggestion(writer, settings);
    if (writer.template)
      say(
        'info',
        `${learnedTexts(writer) ? 'Each' : 'The first'} message goes through the model’s ${writer.template.name}, as in training.`,
      );
    if (isInteractive()) note('Enter a message. Ctrl-C ends an answer, Ctrl-D ends the chat.');
    const messages: ChatMessage[] = options.system === undefined ? [] : [{ role: 'system', content: options.system }];
    const answers: Answered[] = [];
    lines.setPrompt('> ');
    if (isInteractive()) lines.prompt();
    for await (const line of lines) {
      if (line.trim() !== '') {
        messages.push({ role: 'user', content: line });
        answering = new AbortController();
        try {
          const answered = await answer(writer, messages, {
            ...{ settings, signal: answering.signal, asTaught: true },
            ...(options.json ? {} : { onText: printPart }),
          });
          if (answered.finish_reason === 'cancelled' && !isInteractive()) code = EXIT.interrupted;
          tell(answered, settings, options.json);
          answers.push(answered);
          messages.push({ role: 'assistant', content: answered.generated_text });
        } catch (error) {
          // A message that does not fit ends no conversation that somebody is in the middle of.
          if (!isInteractive() || !(error instanceof LuthierError) || error.code !== 'usage') throw error;
          messages.pop();
          say('warning', [error.message, error.hint].filter(Boolean).join(' '));
        }
        answering = undefined;
      }
      if (code === EXIT.interrupted) break;
      if (isInteractive()) lines.prompt();
    }
    if (options.json) tellCutOff(answers);
    return code;
  } finally {
    process.off('SIGINT', interrupt);
    lines.close();
    writer.dispose();
  }
}
