import { nearest } from '../protocol/nearest.ts';
import { addInput, addSample, at, fix, newlineOf, removeInput } from './edits.ts';
import { type Declaration, GLOBALS, type Name, namesOf } from './names.ts';
import { problem } from './problems.ts';
import type { PromptFile, PromptProblem } from './prompt-file.ts';
import { BLOCKS, type Tags, tagsOf, wordOf } from './tags.ts';

/** What a template's text does not say by itself. */
export interface PromptSurroundings {
  /** Names that the file of the sample has; null where it was not read. */
  sample: readonly string[] | null;
  /** Columns of the bound dataset; null where they are not known. */
  columns: readonly string[] | null;
}

export const ALONE: PromptSurroundings = { sample: null, columns: null };

/** What somebody at an editor wants to know of a template, besides what reading it says. */
export interface PromptCheck extends Tags {
  names: Name[];
  declarations: Declaration[];
  problems: PromptProblem[];
}

/** Of each kind of problem, more are not told: nobody reads them, and a file that is one long mistake is no text. */
const MOST = 100;

/** Looks at a template's body: blocks that lack their ends, names that nothing gives, inputs that nothing uses. */
export function checkPrompt(text: string, file: PromptFile, around: PromptSurroundings = ALONE): PromptCheck {
  const tags = tagsOf(text, file.body);
  const { names, declarations } = namesOf(tags, file.body);
  const problems = [
    ...checkTags(text, tags),
    ...checkNames(text, file, names, around),
    ...checkInputs(text, file, names, around),
  ];
  problems.sort((a, b) => a.range.start - b.range.start);
  return { ...tags, names, declarations, problems };
}

/** What a template's names may be: its inputs, what its sample has, and examples where they are drawn. */
function givenNames(file: PromptFile, { sample }: PromptSurroundings): string[] {
  return [
    ...new Set([
      ...file.inputs.map(({ name }) => name),
      ...Object.keys(file.sample ?? {}),
      ...(sample ?? []),
      ...(file.examples ? ['examples'] : []),
    ]),
  ];
}

function checkTags(text: string, { tags, blocks, strays }: Tags): PromptProblem[] {
  const problems: PromptProblem[] = [];
  for (const { kind, range } of tags.filter(({ closed }) => !closed).slice(0, MOST)) {
    const [begin, end, what] = SIGNS[kind];
    const close =
      kind === 'raw' ? '{% endraw %}' : `${/\s$/.test(text.slice(range.start, range.end)) ? '' : ' '}${end}`;
    problems.push({
      ...problem(
        'unclosed-tag',
        'error',
        `The ${what} that begins with ${begin} is not closed: ${end} is missing.`,
        range,
      ),
      fixes: [fix(`Insert ${end}`, at(range.end), close)],
    });
  }
  for (const { name, open, range } of blocks.filter(({ open, end }) => !end && open.closed).slice(0, MOST)) {
    const closing = `{% end${name} %}`;
    // Where the block around it ends, or the file does.
    const lineStart = text.lastIndexOf('\n', range.end - 1) + 1;
    const place = text.slice(lineStart, range.end).trim() === '' ? lineStart : range.end;
    const insert = place === lineStart && place > 0 ? `${closing}${newlineOf(text)}` : closing;
    problems.push({
      ...problem('unclosed-block', 'error', `“${name}” is not closed: ${closing} is missing.`, open.range),
      fixes: [fix(`Insert ${closing}`, at(place), insert)],
    });
  }
  for (const tag of strays.slice(0, MOST)) {
    const word = wordOf(tag);
    const of = word.startsWith('end')
      ? word.slice(3)
      : Object.keys(BLOCKS)
          .filter((name) => BLOCKS[name]!.includes(word))
          .join(' or ');
    problems.push({
      ...problem('stray-tag', 'error', `“${word}” belongs to no “${of}” that is open here.`, tag.range),
      fixes: [fix(`Remove ${text.slice(tag.range.start, tag.range.end).slice(0, 40)}`, tag.range, '')],
    });
  }
  return problems;
}

const SIGNS = {
  expression: ['{{', '}}', 'expression'],
  statement: ['{%', '%}', 'statement'],
  comment: ['{#', '#}', 'comment'],
  raw: ['{% raw %}', '{% endraw %}', 'raw text'],
} as const;

function checkNames(
  text: string,
  file: PromptFile,
  names: readonly Name[],
  around: PromptSurroundings,
): PromptProblem[] {
  const given = givenNames(file, around);
  // What stands in a file that was not read may be anything.
  if (file.sampleFile !== null && around.sample === null) return [];
  const known = new Set([...given, ...GLOBALS]);
  const unknown = names.filter(({ kind, declared, name }) => kind === 'variable' && !declared && !known.has(name));
  return unknown.slice(0, MOST).map((name) => {
    // Two letters the wrong way round are two changes.
    const near = nearest(name.name, given, Math.max(1, Math.round(name.name.length / 2.5)));
    const isColumn = around.columns?.includes(name.name) ?? false;
    const message =
      `“${name.name}” is not among the inputs` +
      (isColumn ? ', though the dataset has such a column.' : near ? `. Did you mean “${near}”?` : '.');
    const add = addInput(text, file, name.name);
    const change = near && !isColumn ? fix(`Change to ${near}`, name.range, near) : null;
    const fixes = [change, add].filter((one) => one !== null);
    return { ...problem('unknown-variable', 'warning', message, name.range), fixes };
  });
}

function checkInputs(
  text: string,
  file: PromptFile,
  names: readonly Name[],
  around: PromptSurroundings,
): PromptProblem[] {
  const used = new Set(names.filter(({ kind }) => kind === 'variable' || kind === 'function').map(({ name }) => name));
  return file.inputs.slice(0, MOST).flatMap((input): PromptProblem[] => {
    if (!used.has(input.name)) {
      const remove = removeInput(text, file, input);
      return [
        {
          ...problem('unused-input', 'information', `“${input.name}” is used nowhere in the prompt.`, input.range),
          ...(remove && { fixes: [remove] }),
        },
      ];
    }
    if (input.sample !== undefined || input.default !== undefined) return [];
    if (file.sampleFile !== null && (around.sample === null || around.sample.includes(input.name))) return [];
    const add = file.sampleFile === null ? addSample(text, file, input) : null;
    return [
      {
        ...problem(
          'missing-sample',
          'information',
          `“${input.name}” has no sample value to try the prompt with.`,
          input.range,
        ),
        ...(add && { fixes: [add] }),
      },
    ];
  });
}
