import { withoutAnswer } from '../../prompts/answer-part.ts';
import { parsePrompt } from '../../prompts/parse.ts';
import type { PromptFile } from '../../prompts/prompt-file.ts';
import type { Run } from '../runs/run.ts';

/** The prompt template that a run's rows were read through, as the run keeps it. */
export interface RunTemplate {
  /** File that it was when the run was made. */
  name: string;
  file: PromptFile;
  /** Inputs that have to be given, as the engine asks for them: those without a default, else the first one. */
  needed: [string, ...string[]];
}

/** Null where a run's model learned its rows as they are. */
export function templateOfRun({ record }: Run): RunTemplate | null {
  if (!record.template) return null;
  const { text } = record.template;
  const { file } = withoutAnswer({ text, file: parsePrompt(text) });
  const { inputs } = file;
  const [first = inputs[0]?.name ?? 'text', ...more] = inputs
    .filter((input) => input.default === undefined)
    .map(({ name }) => name);
  // The path may be another system's.
  const name = record.template.path.split(/[\\/]/).at(-1)!;
  return { name, file, needed: [first, ...more] };
}

/** The column that fills what is typed; null where that is several inputs. */
export function columnTyped({ file, needed }: RunTemplate): string | null {
  const [input, ...more] = needed;
  if (more.length > 0) return null;
  return Object.hasOwn(file.columns, input) ? file.columns[input]! : input;
}

/**
 * What becomes of what is typed, in words.
 * @param typed what goes through the template: “The first message”
 * @param base the base model, where it is asked too: it has learned nothing through a template
 */
export function templateNote({ name, needed }: RunTemplate, typed: string, base: string | null): string {
  const [input] = needed;
  const what =
    needed.length > 1
      ? `${typed} has to be JSON with the template’s inputs: ${JSON.stringify(Object.fromEntries(needed.map((name) => [name, '…'])))}.`
      : `${typed} is the value of “${input}”.`;
  const others = base === null ? '' : ` ${base} gets it as it is.`;
  return `This model learned its rows through ${name}, and is asked through the run’s copy of it. ${what}${others}`;
}
