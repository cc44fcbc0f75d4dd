import type { CodeLanguage } from '../protocol/prompt.ts';
import type { CodeRequest } from './asked.ts';
import { javascriptPrompt } from './javascript.ts';
import { pythonPrompt } from './python.ts';

export type { AskedInCode, CodeRequest, LabelWords, ReadPrompt } from './asked.ts';

/** What a program can be written in, with the library that it uses. */
export const CODE_LANGUAGES = {
  python: { name: 'Python', library: 'transformers' },
  javascript: { name: 'JavaScript', library: 'transformers.js' },
} as const satisfies Record<CodeLanguage, object>;

/** A program that asks a model as Luthier does: it runs as it stands, where the library is installed. */
export const promptCode = (language: CodeLanguage, request: CodeRequest): string =>
  `${(language === 'python' ? pythonPrompt(request) : javascriptPrompt(request)).join('\n')}\n`;
