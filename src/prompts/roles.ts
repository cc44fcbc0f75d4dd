import { linesOf } from './places.ts';
import type { PromptPart, Range, Role } from './prompt-file.ts';

/** Markers that each generation of Prompty knows, with the role that chat templates have for them. */
const MARKERS: Record<1 | 2, Record<string, Role>> = {
  1: { system: 'system', user: 'user', assistant: 'assistant', function: 'tool' },
  2: { system: 'system', user: 'user', assistant: 'assistant', developer: 'developer' },
};

/** A line that opens a message: `user:`, `# User:`, and in generation 2 `user[name="Ann"]:`. */
const MARKER = /^#?\s*([A-Za-z]+)\s*(?:(\[[^\]\r\n]*\])\s*)?:$/;
/** A line that is all expression and colon, as in a loop over a dialogue: `{{ message.role }}:`. */
const MADE_MARKER = /^#?\s*\{\{-?((?:(?!\}\}).)+?)-?\}\}\s*:$/;

export interface RoleMarker {
  /** Null where an expression says which. */
  role: Role | null;
  /** Source of that expression. */
  expression?: string;
  /** As it is written. */
  word: string;
  /** What stands in brackets behind it. */
  attributes?: string;
  line: Range;
  /** Where the text behind it begins. */
  next: number;
}

export const roleOf = (word: string, generation: 1 | 2): Role | null => {
  const roles = MARKERS[generation];
  const key = word.trim().toLowerCase();
  return Object.hasOwn(roles, key) ? roles[key]! : null;
};

/** The lines of a body that open messages; those in a comment of the template are none. */
export function roleMarkers(text: string, body: Range, generation: 1 | 2): RoleMarker[] {
  const found: RoleMarker[] = [];
  const comments = commentsOf(text, body);
  let comment = comments.next().value;
  for (const { text: whole, range, next } of linesOf(text, body)) {
    while (comment && comment.end <= range.start) comment = comments.next().value;
    const line = whole.trim();
    if (whole.length > 1_000 || !line.endsWith(':') || (comment && comment.start <= range.start)) continue;
    const match = MARKER.exec(line);
    const role = match ? roleOf(match[1]!, generation) : null;
    if (match && role !== null && (match[2] === undefined || generation === 2)) {
      found.push({ role, word: match[1]!, line: range, next, ...(match[2] && { attributes: match[2] }) });
      continue;
    }
    const made = MADE_MARKER.exec(line);
    if (made) found.push({ role: null, expression: made[1]!.trim(), word: line, line: range, next });
  }
  return found;
}

function* commentsOf(text: string, body: Range): Generator<Range, undefined> {
  for (let start = text.indexOf('{#', body.start); start >= 0 && start < body.end; ) {
    const close = text.indexOf('#}', start + 2);
    if (close < 0 || close + 2 > body.end) return;
    yield { start, end: close + 2 };
    start = text.indexOf('{#', close + 2);
  }
}

/** The parts of a body that markers of known roles open. What stands before the first is the system's, as in Prompty. */
export function partsOf(text: string, body: Range, markers: readonly RoleMarker[]): PromptPart[] {
  const part = (role: Role, marker: Range | null, start: number, end: number): PromptPart => ({
    ...{ role, marker, text: text.slice(start, end) },
    range: { start, end },
  });
  const known = markers.flatMap((marker) => (marker.role ? [{ ...marker, role: marker.role }] : []));
  const before = part('system', null, body.start, known[0]?.line.start ?? body.end);
  return [
    ...(before.text.trim() === '' ? [] : [before]),
    ...known.map(({ role, line, next }, i) => part(role, line, next, known[i + 1]?.line.start ?? body.end)),
  ];
}
