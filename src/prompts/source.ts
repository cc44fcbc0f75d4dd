import type { PromptFile, Range } from './prompt-file.ts';
import { filesIn } from './references.ts';
import { roleMarkers } from './roles.ts';
import { Traced } from './traced.ts';

/** What a marker is while the text is rendered: `OPEN role CLOSE`; no text of any language has these characters. */
export const OPEN = '\uFDD6';
export const CLOSE = '\uFDD7';
/** The longest text that files may make together. */
const MOST_CHARACTERS = 4 << 20;

/** A file that a template takes in. */
export interface Included {
  /** What tells it from others. */
  file: string;
  text: string;
}

/** Reads a file that a text takes in, or says why not. @param from the file of that text; null for the template */
export type ReadIncluded = (target: string, from: string | null) => Included | { problem: string };

/** A file that cannot be taken in, and where it is asked for. */
export class IncludeFault extends Error {
  readonly file: string | null;
  readonly range: Range;

  constructor(message: string, file: string | null, range: Range) {
    super(message);
    this.file = file;
    this.range = range;
  }
}

/**
 * The body as it is rendered: files taken in, line ends `\n`, markers as `OPEN role CLOSE`. Roles are found before any
 * value is put in, so that what a value says opens no message.
 * @param path of the template, which no file may take in
 * @throws IncludeFault
 */
export function bodySource(text: string, file: PromptFile, read: ReadIncluded, path?: string): Traced {
  const plain = withoutReturns(bodyWithFiles(text, file, read, path));
  return file.model.api === 'completion' ? plain : withMarkers(plain, file.generation);
}

/** The body as it is written, with the files that it takes in where they are named. @throws IncludeFault */
export function bodyWithFiles(
  text: string,
  { body }: Pick<PromptFile, 'body'>,
  read: ReadIncluded,
  path?: string,
): Traced {
  const whole = new Traced();
  include(whole, { text, file: null, range: body }, read, path === undefined ? [] : [path]);
  return whole;
}

interface Source {
  text: string;
  file: string | null;
  range: Range;
}

function include(into: Traced, { text, file, range }: Source, read: ReadIncluded, way: readonly string[]): void {
  let at = range.start;
  for (const { target, range: place } of filesIn(text.slice(range.start, range.end), range.start)) {
    into.add(text.slice(at, place.start), file, at);
    const included = read(target, file);
    if ('problem' in included) throw new IncludeFault(included.problem, file, place);
    if (way.includes(included.file))
      throw new IncludeFault(`\${file:${target}} goes in a circle: that file is being taken in already.`, file, place);
    if (into.text.length > MOST_CHARACTERS)
      throw new IncludeFault(
        `\${file:${target}}: the files make a text of more than 4 million characters.`,
        file,
        place,
      );
    const start = included.text.startsWith('\uFEFF') ? 1 : 0;
    const end = Math.max(start, included.text.length - (/\r?\n$/.exec(included.text)?.[0].length ?? 0));
    include(into, { ...included, range: { start, end } }, read, [...way, included.file]);
    at = place.end;
  }
  into.add(text.slice(at, range.end), file, at);
}

function withoutReturns(source: Traced): Traced {
  const made = new Traced();
  let at = 0;
  for (const { index } of source.text.matchAll(/\r(?=\n)/g)) {
    made.take(source, { start: at, end: index });
    at = index + 1;
  }
  made.take(source, { start: at, end: source.text.length });
  return made;
}

function withMarkers(source: Traced, generation: 1 | 2): Traced {
  const made = new Traced();
  let at = 0;
  for (const { role, line } of roleMarkers(source.text, { start: 0, end: source.text.length }, generation)) {
    made.take(source, { start: at, end: line.start });
    made.add(OPEN, null, null);
    if (role) made.add(role, null, null);
    else {
      const start = source.text.indexOf('{{', line.start);
      made.take(source, { start, end: source.text.lastIndexOf('}}', line.end) + 2 });
    }
    made.add(CLOSE, null, null);
    at = line.end;
  }
  made.take(source, { start: at, end: source.text.length });
  return made;
}
