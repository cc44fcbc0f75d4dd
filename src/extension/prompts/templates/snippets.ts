import { KINDS, LANGUAGES, type Language, WORDS } from './kinds.ts';
import { kindOf, writeTemplate } from './write.ts';

interface Snippet {
  prefix: readonly string[];
  description: string;
  body: string[];
  /** VS Code offers it for an empty file, too (*Fill File with Snippet*). */
  isFileTemplate?: true;
}

/** What has a meaning of its own inside of a tab stop's text. */
const escaped = (text: string): string => text.replace(/[\\$}]/g, '\\$&');

/** The tab stops of one snippet: numbered as they come, and again the same number where one comes again. */
class TabStops {
  readonly #numbers = new Map<string, number>();

  /** A stop with its first text, or the stop again. */
  stop(name: string, text: string): string {
    const known = this.#numbers.get(name);
    if (known !== undefined) return `$${known}`;
    const number = this.#numbers.size + 1;
    this.#numbers.set(name, number);
    return `\${${number}:${escaped(text)}}`;
  }
}

/** A whole template, in which Tab goes from the name over inputs and examples to what is to be said better. */
function templateSnippet(id: (typeof KINDS)[number]['id'], language: Language): Snippet {
  const { prefix, description, title, examples, slots } = WORDS[language][id];
  const stops = new TabStops();
  // Written with marks first: which stop comes first is seen in the text.
  const mark = (name: string) => `⟦${name}⟧`;
  const kind = kindOf(id);
  const text = writeTemplate(id, language, {
    title: mark('title'),
    inputs: Object.fromEntries(
      kind.inputs.map(({ key }) => [key, { name: mark(`input ${key}`), example: mark(`example ${key}`) }]),
    ),
    slots: Object.fromEntries(Object.keys(slots).map((name) => [name, mark(`slot ${name}`)])),
  });
  const first: Record<string, string> = { title };
  for (const { key } of kind.inputs) {
    first[`input ${key}`] = key;
    first[`example ${key}`] = examples[key]!;
  }
  for (const [name, slot] of Object.entries(slots)) first[`slot ${name}`] = slot;
  const body = text.replace(/[\\$]/g, '\\$&').replace(/( *)⟦([^⟧]*)⟧/g, (_, blanks: string, name: string) => {
    // Further lines stand below the first, as in front matter.
    return blanks + stops.stop(name, first[name]!.replaceAll('\n', `\n${blanks}`));
  });
  return { prefix, description: `${title}: ${lower(description, language)}`, body: lines(body), isFileTemplate: true };
}

const lower = (text: string, language: Language): string =>
  language === 'en' ? text[0]!.toLowerCase() + text.slice(1) : text;

const lines = (text: string): string[] => `${text.trimEnd()}\n$0`.split('\n');

/** snippets/prompty.json, of which VS Code reads them (`npm run snippets`). */
export function snippetsText(): string {
  const all: Record<string, Snippet> = {};
  for (const language of LANGUAGES) {
    for (const { id } of KINDS) all[`${id} (${language})`] = templateSnippet(id, language);
  }
  return `${JSON.stringify(all, null, 2)}\n`;
}
