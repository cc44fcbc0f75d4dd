import { extname } from 'node:path';
import { fieldOf, LuthierError } from '../../protocol/index.ts';
import { stringEnd } from './json-faults.ts';

/**
 * Whether a text is JSON Lines or a JSON array of objects; undefined when it is no JSON.
 * @param sample the content, or whole lines of its beginning
 * @throws LuthierError `data-invalid` when it is JSON of another shape, naming the shape and the way out
 */
export function detectJson(sample: string, isWhole: boolean, name: string): 'json' | 'jsonl' | undefined {
  const start = sample.trimStart();
  const extension = extname(name).toLowerCase();
  const isLines = extension === '.jsonl' || extension === '.ndjson';
  const lines = firstLines(start);
  if (start.startsWith('[')) {
    // `["text", "label"]` may be a text's first words elsewhere.
    if (lines.length > 1 && lines.every((line) => line.startsWith('[') && isJson(line))) {
      throw refusal(
        name,
        'line 1 is a list, not an object.',
        'Write one object per line, such as {"text": "…", "label": "…"}.',
      );
    }
    if (/^\[\s*[{\]]/.test(start)) return 'json';
    if (/^\[\s*\[/.test(start) && (extension === '.json' || isLines)) {
      throw refusal(
        name,
        'its rows are lists, as df.to_json(orient="values") writes them, so nothing says which column is which.',
        PANDAS,
      );
    }
  }
  if (/^\{\s*["'}]/.test(start)) {
    const isOneLine = isJson(lines[0]!) || valueEnd(lines[0]!, 0) !== undefined;
    // A first line that is longer than the sample is one of JSON Lines.
    const isCut = !isWhole && !/[\r\n]/.test(start);
    if (isCut || (isOneLine && lines.length > 1)) return 'jsonl';
    const end = valueEnd(start, 0);
    if (
      !isOneLine &&
      end !== undefined &&
      start.slice(end).trimStart().startsWith('{') &&
      isJson(start.slice(0, end))
    ) {
      throw refusal(
        name,
        'the object that begins on line 1 spans several lines, and others follow it.',
        'Write each object on one line (“jq -c .” does this), or put them all in a list: commas between them, [ and ] around them.',
      );
    }
    const shape = isLines && end === undefined ? undefined : shapeOf(start, name, isLines);
    if (shape) throw shape;
    if (isOneLine || isLines) return 'jsonl';
    throw refusal(
      name,
      'it contains one JSON object, not a list of rows.',
      'Use a JSON array of objects, [{"text": "…", "label": "…"}, …], or JSON Lines with one such object per line.',
    );
  }
  if (isLines) return 'jsonl';
  if (extension === '.json') {
    throw new LuthierError(
      'data-invalid',
      `${name} is not a JSON array of objects.`,
      'It must begin with “[” and contain objects such as {"text": "…", "label": "…"}.',
    );
  }
  return undefined;
}

const PANDAS = 'In pandas, write it with df.to_json(FILE, orient="records", lines=True).';

function refusal(name: string, what: string, hint: string): LuthierError {
  const says = what.startsWith('it ') ? `${name}${what.slice(2)}` : `${name}: ${what}`;
  return new LuthierError('data-invalid', says, hint);
}

/** The first lines that have content, two at most. */
function firstLines(text: string): string[] {
  const lines: string[] = [];
  for (let from = 0; from < text.length && lines.length < 2; ) {
    const match = /\r\n|\n|\r/g;
    match.lastIndex = from;
    const end = match.exec(text);
    const line = text.slice(from, end?.index ?? text.length).trim();
    if (line !== '') lines.push(line);
    from = end ? end.index + end[0].length : text.length;
  }
  return lines;
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Offset after the object or list that begins at `at`; undefined when it is not closed. */
function valueEnd(text: string, at: number): number | undefined {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const letter = text[i];
    if (letter === '"') {
      const end = stringEnd(text, i);
      if (end === undefined) return undefined;
      i = end - 1;
    } else if (letter === '{' || letter === '[') depth++;
    else if ((letter === '}' || letter === ']') && --depth <= 0) return i + 1;
  }
  return undefined;
}

interface Member {
  key: string;
  /** How the value begins, and where. */
  value: string;
  at: number;
}

const MEMBERS = 50;

/** The first members of the object that begins at `at`, as far as the text goes. */
function membersOf(text: string, at: number): Member[] {
  const members: Member[] = [];
  let i = at + 1;
  while (members.length < MEMBERS) {
    while (i < text.length && /[\s,]/.test(text[i]!)) i++;
    if (text[i] !== '"') return members;
    const keyEnd = stringEnd(text, i);
    if (keyEnd === undefined) return members;
    const key = text.slice(i + 1, keyEnd - 1);
    i = keyEnd;
    while (i < text.length && /[\s:]/.test(text[i]!)) i++;
    if (i >= text.length) return members;
    members.push({ key, value: text.slice(i, i + 400), at: i });
    let end: number | undefined;
    if (text[i] === '"') end = stringEnd(text, i);
    else if (text[i] === '{' || text[i] === '[') end = valueEnd(text, i);
    else {
      end = i;
      while (end < text.length && text[end] !== ',' && text[end] !== '}') end++;
    }
    if (end === undefined) return members;
    i = end;
  }
  return members;
}

/** Whether a list is a conversation: its first object says who speaks (`role`, or ShareGPT's `from`). */
const isTurns = (text: string, { value, at }: Member): boolean =>
  /^\[\s*\{/.test(value) && membersOf(text, text.indexOf('{', at)).some(({ key }) => key === 'role' || key === 'from');

const WORDS = fieldOf('token-classification', 'tokens').usual;

/**
 * Says which of the usual shapes of a whole table in one object this is.
 * @param isLines whether the file's name says that each line is a row
 */
function shapeOf(text: string, name: string, isLines: boolean): LuthierError | undefined {
  const members = membersOf(text, 0);
  const keys = new Set(members.map((member) => member.key));
  const lists = members.filter(({ value }) => value.startsWith('['));
  const objects = members.filter(({ value }) => value.startsWith('{'));
  if (keys.has('columns') && (keys.has('data') || keys.has('index')) && lists.length > 0) {
    return refusal(
      name,
      'it looks like the output of df.to_json(orient="split"), with column names and rows apart.',
      PANDAS,
    );
  }
  if (keys.has('schema') && keys.has('data')) {
    return refusal(name, 'it looks like the output of df.to_json(orient="table"), with the rows under “data”.', PANDAS);
  }
  if (objects.length === members.length && objects.length > 0) {
    const inner = membersOf(objects[0]!.value, 0);
    if (inner.length > 0 && inner.every(({ key, value }) => /^\d+$/.test(key) && !/^[{[]/.test(value))) {
      return refusal(name, 'it looks like the output of df.to_json(), which writes column by column.', PANDAS);
    }
    if (inner.length > 1 && inner.some(({ value }) => !/^[{[]/.test(value)) && objects.length > 1) {
      return refusal(
        name,
        'it looks like the output of df.to_json(orient="index"), with each row under its number or name.',
        PANDAS,
      );
    }
  }
  const ofRows = lists.filter((member) => /^\[\s*[{[]/.test(member.value) && !isTurns(text, member));
  if (ofRows.length > 0) {
    const under = ofRows.map(({ key }) => `“${key}”`).join(' and ');
    return refusal(
      name,
      `its rows are under ${under}, inside an object.`,
      ofRows.length === 1
        ? `Write the list under ${under} to a separate file.`
        : `Write each list to a separate file, and name them in the recipe: "dataset": {"train": "train.json", "test": "test.json"}.`,
    );
  }
  const isSentence = isLines && lists.some(({ key }) => WORDS.includes(key.toLowerCase()));
  if (lists.length > 1 && lists.length === members.length && !isSentence) {
    return refusal(name, 'it contains one list per column, as df.to_dict("list") returns.', PANDAS);
  }
  return undefined;
}
