import { createInterface } from 'node:readline';
import { readTextFile } from '../../files/text-file.ts';
import {
  type Answered,
  type BackendChoice,
  callText,
  inOneLine,
  LuthierError,
  type ToolCall,
  type Tools,
  toolsIn,
} from '../../protocol/index.ts';
import { answer, learnedTexts } from '../infer/answer.ts';
import { openWriter } from '../infer/writer.ts';
import { findModel } from '../runs/target.ts';
import type { ChatMessage } from '../text/chat-template.ts';
import { say } from './evaluate.ts';
import { printAnswer, tellCutOff, tellOfAnswer, tellSuggestion } from './generate.ts';
import { type GenerationFlags, settingsOf, writerOptions } from './generation-options.ts';
import { dim, EXIT, isInteractive, note, printPart } from './output.ts';

export interface ChatCommandOptions extends GenerationFlags {
  system?: string;
  /** File. */
  tools?: string;
  backend?: BackendChoice;
  json?: boolean;
}

/** A conversation, a line at a time. */
export async function chat(model: string, options: ChatCommandOptions): Promise<number> {
  const settings = settingsOf(options);
  const tools = options.tools === undefined ? undefined : await readTools(options.tools);
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
    /** Calls of the last answer, to which lines are the answers. */
    let calls: ToolCall[] = [];
    const ask = () => {
      lines.setPrompt(calls.length > 0 ? `${calls[0]!.function.name}> ` : '> ');
      if (isInteractive()) lines.prompt();
    };
    ask();
    for await (const line of lines) {
      const call = calls.shift();
      // A tool may give nothing back.
      if (call || line.trim() !== '') {
        messages.push(call ? toolAnswer(call, line) : { role: 'user', content: line });
        if (calls.length > 0) {
          ask();
          continue;
        }
        const before = messages.length;
        answering = new AbortController();
        try {
          const answered = await answer(writer, messages, {
            ...{ settings, tools, signal: answering.signal, asTaught: true },
            ...(options.json ? {} : { onText: printPart }),
          });
          if (answered.finish_reason === 'cancelled' && !isInteractive()) code = EXIT.interrupted;
          printAnswer(answered, settings, options.json);
          tellOfAnswer(answered, options.json);
          answers.push(answered);
          const { generated_text, tool_calls, content } = answered;
          messages.push({ role: 'assistant', content: content ?? generated_text, ...(tool_calls && { tool_calls }) });
          calls = [...(tool_calls ?? [])];
          if (!options.json) for (const call of calls) note(dim(`Calls ${callText(call)}`));
          if (calls.length > 0 && isInteractive()) note('Enter what it gives back.');
        } catch (error) {
          // A message that does not fit ends no conversation that somebody is in the middle of.
          if (!isInteractive() || !(error instanceof LuthierError) || error.code !== 'usage') throw error;
          messages.length = before - 1;
          say('warning', inOneLine(error));
        }
        answering = undefined;
      }
      if (code === EXIT.interrupted) break;
      ask();
    }
    if (options.json) tellCutOff(answers);
    return code;
  } finally {
    process.off('SIGINT', interrupt);
    lines.close();
    writer.dispose();
  }
}

const toolAnswer = ({ id }: ToolCall, content: string): ChatMessage => ({
  ...{ role: 'tool', content },
  ...(id !== undefined && { tool_call_id: id }),
});

/** Far above any list of tools. */
const MOST_TOOLS_BYTES = 1 << 20;

/** @throws LuthierError `usage` for a file that cannot be read, or has none */
async function readTools(file: string): Promise<Tools> {
  const text = await readTextFile(file, {
    ...{ code: 'usage', noun: 'a file of tools', most: MOST_TOOLS_BYTES, hint: 'Check the path of --tools.' },
  });
  const read = toolsIn(text);
  if ('tools' in read) return read.tools;
  throw new LuthierError('usage', `${file}: ${read.problem}`, 'docs/cli.md shows such a file.');
}
