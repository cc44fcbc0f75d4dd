import { counted } from '../../protocol/index.ts';
import { characterName, labelKey, oddCharacters, tidyLabel } from './characters.ts';
import type { LabelledRows } from './labelled-rows.ts';
import { listed, type Places, type Problems, places, quoted } from './problems.ts';

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

/** A decimal number in one spelling, exact however long it is (`1`, `1.0`, `01` and `1e0` are `1`); undefined for none. */
export function numberKey(label: string): string | undefined {
  const match = NUMBER.exec(label);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  let digits = whole + fraction;
  let point = whole.length + Number(exponent);
  if (point < 0) [digits, point] = ['0'.repeat(-point) + digits, 0];
  else if (point > digits.length) digits = digits.padEnd(point, '0');
  const before = digits.slice(0, point).replace(/^0+/, '') || '0';
  const after = digits.slice(point).replace(/0+$/, '');
  const value = after === '' ? before : `${before}.${after}`;
  return sign === '-' && value !== '0' ? `-${value}` : value;
}

/** What two spellings of one class have in common. */
const classKey = (label: string): string => {
  const key = labelKey(label);
  const number = numberKey(key);
  return number === undefined ? `=${key}` : `#${number}`;
};

interface Labelled {
  label: string;
  line: number;
}

/**
 * Gives each class one spelling: labels that look the same on the screen, or are the same number, are one class, and
 * that is said with the character or the spelling that differs. Changes the rows' labels in place.
 */
export function settleLabels(rows: LabelledRows, column: string, problems: Problems): void {
  const spellings = rows.classes();
  const classes = new Map<string, string[]>();
  for (const label of spellings.keys()) {
    const key = classKey(label);
    classes.set(key, [...(classes.get(key) ?? []), label]);
  }
  const settled = new Map<string, string>();
  for (const [key, labels] of classes) {
    const kept = keptSpelling(labels, spellings, key);
    const others = labels.filter((label) => label !== kept);
    for (const label of others) settled.set(label, kept);
    if (others.length === 0) continue;
    const at = { column, line: spellings.get(others[0]!)!.lines[0]! };
    const where = (label: string) => {
      const { lines, count } = spellings.get(label)!;
      return places(lines, count);
    };
    if (key.startsWith('#') && others.every((label) => numberKey(label) !== undefined)) {
      const spelt = listed(others.map((label) => `${quoted(label)} (${where(label)})`));
      problems.add(
        'warning',
        'equal-numbers',
        `The label ${quoted(kept)} in “${column}” is also written ${spelt}: the same number, read as one class. Write it one way.`,
        at,
      );
      continue;
    }
    const ways = listed(others.map((label) => `${difference(label, kept)} on ${where(label)}`));
    problems.add(
      labels.length > 1 ? 'warning' : 'info',
      'invisible-characters',
      labels.length > 1
        ? `The label ${quoted(kept)} in “${column}” is written in ${labels.length} ways that look the same, and is read as one class: ${ways}.`
        : `The label ${quoted(kept)} in “${column}” is written ${ways} and is read in its usual spelling.`,
      at,
    );
  }
  rows.rename(settled);
}

/** The commonest of the spellings without odd characters; a number's plainest. */
function keptSpelling(labels: readonly string[], spellings: ReadonlyMap<string, Places>, key: string): string {
  const number = key.startsWith('#') ? key.slice(1) : undefined;
  if (number !== undefined && labels.includes(number)) return number;
  const counts = new Map<string, number>();
  for (const label of labels) {
    const tidy = tidyLabel(label);
    counts.set(tidy, (counts.get(tidy) ?? 0) + spellings.get(label)!.count);
  }
  return [...counts].reduce((most, next) => (next[1] > most[1] ? next : most))[0];
}

/** `with U+200B (zero width space)`. */
function difference(label: string, kept: string): string {
  const odd = oddCharacters(label, kept);
  if (odd.length === 0) return `as ${quoted(label)}`;
  const isDecomposed = label.normalize('NFC') !== label;
  return `with ${listed(odd.map(characterName))}${isDecomposed ? ', decomposed (NFD),' : ''}`;
}

/** Classes that are known already, and how other spellings of them are found. */
export class KnownLabels {
  readonly #exact: Map<string, number>;
  readonly #byKey = new Map<string, number>();

  constructor(readonly labels: readonly string[]) {
    this.#exact = new Map(labels.map((label, i) => [label, i]));
    for (const [i, label] of labels.entries()) {
      const key = classKey(label);
      if (!this.#byKey.has(key)) this.#byKey.set(key, i);
    }
  }

  /** Index of the class; undefined when it is none of them. */
  find(label: string): number | undefined {
    return this.#exact.get(label) ?? this.#byKey.get(classKey(label));
  }

  /** Where a label is a known one in another spelling, says so. @param whose "the training rows", "the model" */
  reportSpelling({ label, line }: Labelled, index: number, whose: string, problems: Problems): void {
    const kept = this.labels[index]!;
    if (label === kept) return;
    const isNumber = numberKey(label) !== undefined && numberKey(kept) !== undefined;
    const code = isNumber ? 'equal-numbers' : 'invisible-characters';
    const how = isNumber
      ? `is the same number as ${quoted(kept)} in ${whose}`
      : `looks the same as ${quoted(kept)} in ${whose} but is written ${difference(label, kept)}`;
    problems.occurrence(
      { severity: 'warning', code, key: label },
      line,
      (where, count) => `The label ${quoted(label)} in ${counted(count, 'row')} (${where}) ${how}; it is read as that.`,
    );
  }

  /**
   * What to say of labels that are numbers where the classes have names: that they look like the names' places.
   * Undefined when they do not.
   */
  asPlaces(unknown: readonly string[]): string | undefined {
    const last = this.labels.length - 1;
    if (unknown.length === 0 || this.labels.some((label) => numberKey(label) !== undefined)) return undefined;
    const numbers = unknown.map((label) => Number(numberKey(label) ?? Number.NaN));
    if (!numbers.every((number) => Number.isInteger(number) && number >= 0 && number <= last)) return undefined;
    const names = this.labels.slice(0, 10).map((label, i) => `${i} is ${quoted(label)}`);
    const more = this.labels.length > names.length ? [`${this.labels.length - names.length} more`] : [];
    return `Numbers from 0 to ${last} look like positions in that list (${listed([...names, ...more])}): write the names instead.`;
  }
}
