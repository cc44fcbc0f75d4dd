/** What a text that is no JSON has instead; `kind` tells such mistakes apart. */
export interface JsonFault {
  kind: string;
  describe: (places: string, count: number) => string;
}

const WORDS: Record<string, string> = {
  NaN: 'write null where a value is missing, or leave the key out',
  nan: 'write null where a value is missing, or leave the key out',
  Infinity: 'write null where a value is missing, or leave the key out',
  undefined: 'write null where a value is missing, or leave the key out',
  None: 'in Python, write JSON with json.dumps, not with print or str',
  True: 'in Python, write JSON with json.dumps, not with print or str',
  False: 'in Python, write JSON with json.dumps, not with print or str',
};

const fault = (kind: string, what: string, advice: string): JsonFault => ({
  kind,
  describe: (where) => `Not valid JSON on ${where}: ${what}; ${advice}.`,
});

/** Finds out why a line or an element is no JSON, by a scan of what stands outside its strings. */
export function jsonFault(text: string): JsonFault {
  let depth = 0;
  let isClosed = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!;
    if (letter === '"') {
      const end = stringEnd(text, i);
      if (end === undefined) return fault('open-string', 'a string is not closed with a quote', WHOLE);
      if (hasControl(text, i, end)) {
        return fault(
          'control',
          'a string contains an unescaped tab or other control character',
          'write it as \\t, \\n or \\u0000',
        );
      }
      i = end - 1;
    } else if (letter === "'" || letter === '‘' || letter === '“') {
      return fault(
        'quotes',
        `${letter} is used where JSON needs a double quote`,
        'write JSON with a library (json.dumps in Python)',
      );
    } else if (letter === '/' || letter === '#') {
      return fault('comment', 'it contains a comment', 'JSON does not allow comments');
    } else if (/[A-Za-z_$]/.test(letter)) {
      let end = i + 1;
      while (end < text.length && /[\w$.-]/.test(text[end]!)) end++;
      const word = text.slice(i, Math.min(end, i + 40));
      if (Object.hasOwn(WORDS, word))
        return fault(word, `${text[i - 1] === '-' ? '-' : ''}${word} is not JSON`, WORDS[word]!);
      if (!['true', 'false', 'null'].includes(word) && !/\d/.test(text[i - 1] ?? '')) {
        return fault('word', `“${word}” has no quotes around it`, 'put strings and keys in double quotes');
      }
      i = end - 1;
    } else if (letter === '{' || letter === '[') {
      if (isClosed) return fault('several', 'there is more than one object', 'write each on a separate line');
      depth++;
    } else if (letter === '}' || letter === ']') {
      depth--;
      isClosed = depth === 0;
    } else if (letter === ',') {
      if (isClosed) return fault('comma-after', 'a comma follows the object', 'JSON Lines has no commas between lines');
      if (/^\s*[}\]]/.test(text.slice(i + 1, i + 200))) {
        return fault('comma', 'there is a comma before a closing bracket', 'remove it');
      }
    }
  }
  if (depth > 0) return fault('open', 'an object or list that begins there is not closed', WHOLE);
  return fault('syntax', 'it cannot be read', `check quotes, commas and braces; ${WHOLE}`);
}

const WHOLE = 'each row must be one complete object, such as {"text": "…", "label": "…"}';

function hasControl(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (text.charCodeAt(i) < 32) return true;
  return false;
}

/** Offset after the string that begins at `at`; undefined when it is not closed. */
export function stringEnd(text: string, at: number): number | undefined {
  for (let end = at; ; ) {
    end = text.indexOf('"', end + 1);
    if (end < 0) return undefined;
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
}

/**
 * A JSON object with each number right in it as a string of its own digits: Node 20's JSON.parse cannot be asked for
 * them.
 */
export function withNumbersAsText(text: string): string {
  let out = '';
  let from = 0;
  let depth = 0;
  for (let i = 0; i < text.length; ) {
    const letter = text.charCodeAt(i);
    if (letter === 34) i = stringEnd(text, i)!;
    else if (depth === 1 && (letter === 45 || (letter >= 48 && letter <= 57))) {
      let end = i + 1;
      while (end < text.length && /[\d.eE+-]/.test(text[end]!)) end++;
      out += `${text.slice(from, i)}"${text.slice(i, end)}"`;
      from = end;
      i = end;
    } else {
      if (letter === 123 || letter === 91) depth++;
      else if (letter === 125 || letter === 93) depth--;
      i++;
    }
  }
  return out + text.slice(from);
}
