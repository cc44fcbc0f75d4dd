import { lineAt } from './places.ts';
import type { PromptProblem, Range } from './prompt-file.ts';

export const problem = (
  code: string,
  severity: PromptProblem['severity'],
  message: string,
  range: Range,
): PromptProblem => ({ code, severity, message, range });

/** A value that somebody wrote, as a message quotes it. */
export const shownValue = (value: unknown): string =>
  (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, 40);

/** A problem as a line for the terminal: `summary.prompty, line 3: …`. */
export const problemLine = (file: string, text: string, { message, range }: PromptProblem): string =>
  `${file}, line ${lineAt(text, range.start)}: ${message}`;
