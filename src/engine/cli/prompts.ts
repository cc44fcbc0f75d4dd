import * as clack from '@clack/prompts';
import { visible } from '../../guard/index.ts';

/**
 * The questions of @clack/prompts with every text made visible first: files' and columns' names stand in them, and a
 * control character in one would reach the terminal.
 */
function cleaned<T>(options: T): T {
  if (typeof options === 'string') return visible(options) as T;
  if (Array.isArray(options)) return options.map(cleaned) as T;
  if (typeof options !== 'object' || options === null) return options;
  // What is chosen comes back as it was given.
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key, SHOWN.has(key) ? cleaned(value) : value]),
  ) as T;
}

const SHOWN: ReadonlySet<string> = new Set(['message', 'options', 'label', 'hint', 'placeholder']);

/** Where questions are asked, if not in the process's own terminal. */
export const terminal: clack.CommonOptions = {};

export const { isCancel } = clack;
export const select: typeof clack.select = (options) => clack.select({ ...terminal, ...cleaned(options) });
export const confirm: typeof clack.confirm = (options) => clack.confirm({ ...terminal, ...cleaned(options) });
export const text: typeof clack.text = (options) => clack.text({ ...terminal, ...cleaned(options) });
export const intro: typeof clack.intro = (title) => clack.intro(cleaned(title), terminal);
export const outro: typeof clack.outro = (message) => clack.outro(cleaned(message), terminal);
export const note: typeof clack.note = (message, title) => clack.note(cleaned(message), cleaned(title), terminal);
export const log = {
  error: (message: string) => clack.log.error(visible(message), terminal),
  warn: (message: string) => clack.log.warn(visible(message), terminal),
  info: (message: string) => clack.log.info(visible(message), terminal),
};
