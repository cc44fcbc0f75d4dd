// dist/engine/prompt-thread.cjs: fills templates, in a thread that is ended where one takes too much.
import { type MessagePort, parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { type Filled, fillTemplate, PromptFault, readPromptTemplate, type Template } from '../../prompts/render.ts';
import type { Included, ReadIncluded } from '../../prompts/source.ts';
import type { PromptWarning } from '../../protocol/index.ts';

/** A template with the files that it takes in: by the file that names each, and its name there. */
export interface LoadedPrompt {
  text: string;
  path: string | undefined;
  included: Map<string, Included | { problem: string }>;
}

export const includedKey = (target: string, from: string | null): string => `${from ?? ''}\n${target}`;

export interface ThreadRequest {
  /** Where it is another than that of the request before. */
  prompt?: LoadedPrompt;
  values: Record<string, unknown>;
  /** Whether there is a model whose tokens a text can be cut to. */
  truncates: boolean;
}

/** What is wrong with a template, and where. */
export interface Fault extends PromptWarning {
  /** The file that it takes in, in which it is. */
  file?: string | null;
}

export type ThreadAnswer = { filled: Filled } | { fault: Fault } | { failed: string };

/** What the thread asks while it fills: a text's first tokens. It waits for the answer. */
export interface TruncateRequest {
  text: string;
  tokens: number;
}

let template: Template | undefined;

parentPort?.once('message', ({ port, signal }: { port: MessagePort; signal: SharedArrayBuffer }) => {
  const answered = new Int32Array(signal);
  const truncate = (text: string, tokens: number): string => {
    Atomics.store(answered, 0, 0);
    port.postMessage({ text, tokens } satisfies TruncateRequest);
    Atomics.wait(answered, 0, 0);
    return (receiveMessageOnPort(port)?.message as string | undefined) ?? text;
  };
  parentPort?.on('message', (request: ThreadRequest) => parentPort?.postMessage(answer(request, truncate)));
  parentPort?.postMessage('ready');
});

function answer(
  { prompt, values, truncates }: ThreadRequest,
  truncate: (text: string, tokens: number) => string,
): ThreadAnswer {
  try {
    if (prompt) {
      template = undefined;
      template = read(prompt);
    }
    if (!template) return { failed: 'There is no template.' };
    return { filled: fillTemplate(template, values, truncates ? truncate : null) };
  } catch (error) {
    // A text, a list or a nesting that JavaScript itself does not make.
    if (error instanceof RangeError)
      return {
        fault: { message: `What the template makes is too large (${error.message}).`, range: null, line: null },
      };
    if (!(error instanceof PromptFault)) return { failed: (error as Error).message };
    const { message, range, line, file } = error;
    return { fault: { message, range, line, file } };
  }
}

/** What a template takes in, as it was read. */
export const includedOf =
  ({ included }: Pick<LoadedPrompt, 'included'>): ReadIncluded =>
  (target, from) =>
    included.get(includedKey(target, from)) ?? {
      problem: `\${file:${target}}: the template takes in too many files.`,
    };

const read = (prompt: LoadedPrompt): Template =>
  readPromptTemplate(prompt.text, { path: prompt.path, read: includedOf(prompt) });
