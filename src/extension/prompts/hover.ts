import * as vscode from 'vscode';
import type { Name } from '../../prompts/names.ts';
import { counted, formatCount } from '../../protocol/index.ts';
import { markdown } from '../escape.ts';
import { tooltip } from '../ui.ts';
import type { PromptChecks } from './checks.ts';
import { type Look, type PromptDocuments, rangeOf } from './documents.ts';
import { knownKey } from './keys.ts';
import { columnOf, givenValue, inputOf, nameAt, shownValue } from './values.ts';
import { FILTERS, GLOBAL_DETAILS, ROLE_DETAILS, TESTS } from './words.ts';

/** What a word of a template is: where a variable comes from, a value of it, and its tokens as the model counts them. */
export class PromptHover implements vscode.HoverProvider {
  private readonly documents: PromptDocuments;
  private readonly checks: Pick<PromptChecks, 'tokensOf'>;

  constructor(documents: PromptDocuments, checks: Pick<PromptChecks, 'tokensOf'>) {
    this.documents = documents;
    this.checks = checks;
  }

  provideHover(document: vscode.TextDocument, position: vscode.Position): vscode.Hover | null {
    const look = this.documents.look(document);
    if (!look) return null;
    const offset = document.offsetAt(position);
    const made = this.name(look, offset) ?? keyHover(look, offset) ?? roleHover(look, offset);
    return made && new vscode.Hover(tooltip(made.lines.join('\n\n')), rangeOf(document, made.range));
  }

  private name(look: Look, offset: number): Made | null {
    const name = nameAt(look, offset);
    if (name) return described(name.range, this.linesOf(look, name));
    const input = look.file.inputs.find(({ range }) => range.start <= offset && offset <= range.end);
    return input ? described(input.range, this.inputLines(look, input.name)) : null;
  }

  private linesOf(look: Look, { kind, name, declared }: Name): string[] | null {
    if (kind === 'filter') return word(name, FILTERS[name]?.detail, 'filter');
    if (kind === 'test') return word(name, TESTS[name], 'test');
    if (kind === 'property') return null;
    if (kind === 'declaration' || declared) return word(name, MADE_BY[declared?.by ?? 'set']);
    if (Object.hasOwn(GLOBAL_DETAILS, name)) return word(name, GLOBAL_DETAILS[name]);
    if (name === 'examples' && look.file.examples)
      return word(
        name,
        `${counted(look.file.examples.count, 'row')} drawn from ${look.file.examples.dataset ?? look.file.dataset ?? 'the dataset'}`,
      );
    return this.inputLines(look, name);
  }

  private inputLines(look: Look, name: string): string[] | null {
    const input = inputOf(look, name);
    const given = givenValue(look, name);
    if (!input && !given) return null;
    const column = columnOf(look, name);
    const tokens = this.checks.tokensOf(look.document)?.inputs[name];
    return [
      `**${markdown(name)}** — ${input ? `input, ${input.kind}` : 'from the sample'}`,
      ...(input?.description ? [markdown(input.description)] : []),
      ...(column ? [`Column ${markdown(column.name)} of ${markdown(look.file.dataset ?? '')}`] : []),
      ...(given
        ? [`${FROM[given.from] ?? `From ${markdown(given.from)}`}: ${markdown(shownValue(given.value))}`]
        : ['No sample value']),
      ...(tokens === undefined
        ? []
        : [`${counted(tokens, 'token')} of ${formatCount(this.checks.tokensOf(look.document)!.prompt)} in the prompt`]),
    ];
  }
}

interface Made {
  range: { start: number; end: number };
  lines: string[];
}

const FROM: Record<string, string> = { sample: 'Sample', default: 'Default' };

const MADE_BY = {
  for: 'Each item of the loop in turn',
  set: 'Set in the template',
  macro: 'A macro of the template',
  parameter: 'Given where the macro is used',
} as const;

const described = (range: Made['range'], lines: string[] | null): Made | null => lines && { range, lines };

const word = (name: string, detail: string | undefined, what?: string): string[] | null =>
  detail === undefined ? null : [`**${markdown(name)}**${what ? ` — ${what}` : ''}`, markdown(detail)];

function keyHover({ file }: Look, offset: number): Made | null {
  const key = file.keys.find(({ key: { start, end } }) => start <= offset && offset <= end);
  const known = key && knownKey(key.path);
  return key && known ? { range: key.key, lines: [`**${markdown(key.path.at(-1)!)}**`, markdown(known.detail)] } : null;
}

function roleHover({ file, text }: Look, offset: number): Made | null {
  const part = file.parts.find(({ marker }) => marker && marker.start <= offset && offset <= marker.end);
  if (!part?.marker) return null;
  const detail = ROLE_DETAILS[part.role]!;
  return {
    range: part.marker,
    lines: [`**${markdown(text.slice(part.marker.start, part.marker.end).trim())}**`, detail],
  };
}
