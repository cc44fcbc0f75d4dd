import { parsePrompt } from '../../prompts/parse.ts';
import { lineAt } from '../../prompts/places.ts';
import type { PromptFile } from '../../prompts/prompt-file.ts';
import { rewritten, type Written } from '../../prompts/rewrite.ts';
import { bodyWithFiles, IncludeFault } from '../../prompts/source.ts';
import { LuthierError } from '../../protocol/index.ts';
import { loadPrompt, type Surroundings } from './files.ts';
import { behind } from './key-fault.ts';
import { resolveReferences } from './references.ts';
import { promptFault } from './renderer.ts';
import { includedOf, type LoadedPrompt } from './thread.ts';

/** A template's text with the files that its body takes in. @throws LuthierError `prompt-invalid` naming the line */
export function bodyOf(name: string, prompt: LoadedPrompt, file: PromptFile): string {
  try {
    return bodyWithFiles(prompt.text, file, includedOf(prompt), prompt.path).text;
  } catch (cause) {
    if (!(cause instanceof IncludeFault)) throw cause;
    const { message, range, file: from } = cause;
    throw promptFault(
      name,
      from === null
        ? { message, range, line: lineAt(prompt.text, range.start) }
        : { message: `${from}: ${message}`, range: null, line: null },
    );
  }
}

/** Keys whose values fill a template; what is said of models and services elsewhere is never read. */
const FILLS = ['inputs', 'sample'];

/**
 * A template with everything written into it that it takes in, so that it says the same wherever it is kept: files in
 * its text, and in the values of its inputs and its sample.
 * @throws LuthierError `prompt-invalid` for what cannot be read, and for a variable of the environment as an input’s value
 */
export async function wholeTemplate(name: string, text: string, around: Surroundings): Promise<string> {
  const file = parsePrompt(text);
  const filling = file.references.filter(({ path }) => path === null || FILLS.includes(path[0]!));
  // The sample's are for a try-out, where the environment is whose it is.
  const kept = filling.filter(({ kind, path }) => kind === 'file' || path?.[0] === 'inputs');
  if (kept.length === 0) return text;
  const values: Written[] = [];
  for (const { kind, path, range, target } of kept) {
    if (path === null) continue;
    const reference = `\${${kind}:${target}}`;
    const value = await resolveReferences(reference, path.join('.'), around, null).catch((error: unknown) => {
      if (!(error instanceof LuthierError)) throw error;
      throw behind(name, error);
    });
    values.push({ range, value });
  }
  const made = rewritten(text, file, { values, body: bodyOf(name, await loadPrompt(text, around), file) });
  requireSame(name, parsePrompt(made), values, kept.length);
  return made;
}

/** What was written into the front matter is read from there as what it is. */
function requireSame(name: string, { problems, references }: PromptFile, values: readonly Written[], of: number): void {
  const isWhole = problems.every(({ severity }) => severity !== 'error');
  const left = references.filter(({ kind, path }) => kind === 'file' && (path === null || FILLS.includes(path[0]!)));
  if (isWhole && left.length === 0) return;
  throw new LuthierError(
    'prompt-invalid',
    `${name}: what ${of === 1 ? 'the file' : 'the files'} that it takes in ${of === 1 ? 'says' : 'say'} cannot be written into the run’s copy of it.`,
    `Write ${values.length > 0 ? 'the values of its inputs' : 'it'} into the template that is trained with.`,
  );
}
