import { append, type ToolCall } from '../../protocol/index.ts';

/** How a model's chat template writes a call: what stands around it in a decoded answer, and what its parts are called. */
export interface CallFormat {
  /** Without white space around it; empty where nothing that is no special token stands there. */
  readonly open: string;
  readonly close: string;
  /** Calls are a list, even a single one. */
  readonly isList: boolean;
  readonly name: string;
  readonly arguments: string;
}

/** What a model said, its calls read. */
export interface ReadAnswer {
  /** Without the calls. */
  content: string;
  calls: ToolCall[];
  /** What looked like a call and is none. */
  problem?: string;
}

/** A call whose place in a template's text is looked for. */
export const PROBE: ToolCall = {
  // Nine letters and digits, as Mistral's templates want it.
  ...{ id: 'probe0000', type: 'function' },
  function: { name: 'luthier_probe', arguments: { luthier_key: 'luthier_value' } },
};

export const PROBE_TOOL = {
  type: 'function',
  function: {
    ...{ name: PROBE.function.name, description: 'A probe.' },
    parameters: { type: 'object', properties: { luthier_key: { type: 'string', description: 'A key.' } } },
  },
};

type JsonObject = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Characters of an answer that has a call and little more. */
const MOST = 10_000;

/** How calls are written, from an answer that has PROBE; null where it is not written as JSON. */
export function callFormatOf(answer: string): CallFormat | null {
  for (let start = 0; start < Math.min(answer.length, MOST); start++) {
    const json = jsonAt(answer.slice(0, MOST), start);
    if (!json) continue;
    const isList = Array.isArray(json.value);
    const call: unknown = Array.isArray(json.value) ? json.value[0] : json.value;
    if (!isObject(call)) continue;
    const keyOf = (fits: (value: unknown) => boolean) => Object.keys(call).find((key) => fits(call[key]));
    const name = keyOf((value) => value === PROBE.function.name);
    const given = keyOf((value) => isObject(value) && 'luthier_key' in value);
    if (name === undefined || given === undefined) continue;
    const [open, close] = [answer.slice(0, start).trim(), answer.slice(json.end).trim()];
    return { open, close, isList, name, arguments: given };
  }
  return null;
}

/** Takes the calls out of an answer. What is no whole call stays a part of what is said, which is told. */
export function readCalls(answer: string, format: CallFormat): ReadAnswer {
  const { open, close } = format;
  const calls: ToolCall[] = [];
  let content = '';
  let rest = answer;
  while (rest !== '') {
    const at = open === '' ? rest.search(/\S/) : rest.indexOf(open);
    if (at < 0 || (open === '' && !/[[{]/.test(rest[at]!))) break;
    const start = at + open.length + rest.slice(at + open.length).search(/\S|$/);
    const json = jsonAt(rest, start);
    const found = json ? callsIn(json.value, format, calls.length) : null;
    if (!json || !found) {
      const problem = open === '' ? {} : { problem: 'The answer begins a call that is not whole, or no JSON.' };
      return { content: (content + rest).trim(), calls, ...problem };
    }
    content += rest.slice(0, at);
    append(calls, found);
    const behind = rest.slice(json.end);
    const gap = behind.search(/\S|$/);
    rest = close !== '' && behind.startsWith(close, gap) ? behind.slice(gap + close.length) : behind;
  }
  return { content: (content + rest).trim(), calls };
}

function callsIn(value: unknown, format: CallFormat, before: number): ToolCall[] | null {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const calls: ToolCall[] = [];
  for (const one of list) {
    if (!isObject(one)) return null;
    const [name, given] = [one[format.name], one[format.arguments]];
    if (typeof name !== 'string' || name === '' || !(isObject(given) || given === undefined)) return null;
    const id = typeof one.id === 'string' ? one.id : `call${String(before + calls.length + 1).padStart(5, '0')}`;
    calls.push({ id, type: 'function', function: { name, arguments: given ?? {} } });
  }
  return calls.length === 0 ? null : calls;
}

/** The object or list that begins at a place of a text, and where it ends. */
function jsonAt(text: string, start: number): { value: unknown; end: number } | null {
  if (text[start] !== '{' && text[start] !== '[') return null;
  let depth = 0;
  let inString = false;
  for (let i = start; i < text.length; i++) {
    const character = text[i];
    if (inString) {
      if (character === '\\') i++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && --depth === 0) {
      try {
        return { value: JSON.parse(text.slice(start, i + 1)), end: i + 1 };
      } catch {
        return null;
      }
    }
  }
  return null;
}
