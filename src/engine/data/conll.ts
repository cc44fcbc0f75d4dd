import { CONLL_EXTENSIONS, counted, LuthierError, largest } from '../../protocol/index.ts';
import { LineCutter } from './lines.ts';
import { CONLL } from './names.ts';
import { NumberList } from './number-list.ts';
import { Rows } from './packed-rows.ts';
import type { Problems } from './problems.ts';
import { RowStore } from './row-store.ts';
import type { Content, Text } from './table.ts';

/** A tag of spans, as BIO and its kin write them. */
const TAG = /^(?:O|[BIESLU]-\S+)$/;
/** What begins a document. */
export const DOCUMENT = '-DOCSTART-';

const isComment = (cells: readonly string[], width: number) =>
  cells[0]!.startsWith('#') && cells.length !== (width || 2);

/**
 * Whether lines are words with their tags: by the file's name, or because all end with a tag of a span, some with one
 * that is not O, and sentences are divided by blank lines or have several words.
 */
export function looksLikeConll(lines: readonly string[], extension: string): boolean {
  if (CONLL_EXTENSIONS.includes(extension.slice(1))) return true;
  let [words, spans, longest, open, width] = [0, 0, 0, 0, 0];
  for (const line of lines) {
    const cells = line.trim().split(/\t+|[^\S\t]+/);
    if (cells[0] === '' || cells[0] === DOCUMENT || (open === 0 && isComment(cells, width))) {
      open = 0;
      continue;
    }
    if (cells.length < 2 || !TAG.test(cells.at(-1)!)) return false;
    width = Math.max(width, cells.length);
    words++;
    if (cells.at(-1) !== 'O') spans++;
    longest = Math.max(longest, ++open);
  }
  return words > 1 && spans > 0 && longest > 1;
}

/** Further columns are kept up to this many. */
const MOST_COLUMNS = 16;

/** Sentences as rows, of cells that are lists of JSON. */
class Sentences {
  readonly store = new RowStore();
  readonly columns = new Map<string, number>([
    [CONLL.tokens, 0],
    [CONLL.tags, 1],
  ]);
  readonly nested = new Map<string, number>();
  /** Places of those with a word that has no tag. */
  readonly broken = new NumberList();
  #open: { line: number; end: number; words: string[][]; isBroken?: boolean } | null = null;
  #document = 0;

  get isOpen(): boolean {
    return this.#open !== null;
  }

  word(cells: string[], line: number): void {
    this.#open ??= { line, end: line, words: [] };
    this.#open.end = line;
    this.#open.words.push(cells);
  }

  /** A word without a tag: its sentence is read, and learnt by none. */
  untagged(word: string, line: number): void {
    this.word([word, ''], line);
    this.#open!.isBroken = true;
  }

  /** Ends the sentence. */
  end(): void {
    if (this.#open === null) return;
    const { line, end, words, isBroken } = this.#open;
    this.#open = null;
    if (isBroken) this.broken.push(this.store.length);
    const lists = new Map([
      [CONLL.tokens as string, words.map((cells) => cells[0]!)],
      [CONLL.tags as string, words.map((cells) => cells.at(-1)!)],
    ]);
    const width = largest(words, ({ length }) => length);
    for (let i = 1; i < width - 1 && i < MOST_COLUMNS; i++) {
      lists.set(
        `column_${i + 1}`,
        words.map((cells) => (i < cells.length - 1 ? cells[i]! : '')),
      );
    }
    const cells = [...lists].map(([name, list]) => ({
      column: this.#column(name),
      text: JSON.stringify(list),
      isJson: true,
    }));
    if (this.#document > 0) {
      cells.push({ column: this.#column(CONLL.document), text: String(this.#document), isJson: false });
    }
    for (const name of lists.keys()) if (!this.nested.has(name)) this.nested.set(name, line);
    this.store.sparse();
    for (const { column, text, isJson } of cells.sort((a, b) => a.column - b.column)) {
      this.store.cellOf(column, text, isJson);
    }
    this.store.commit(line, end);
  }

  beginDocument(): void {
    this.#document++;
  }

  #column(name: string): number {
    const known = this.columns.get(name) ?? this.columns.size;
    this.columns.set(name, known);
    return known;
  }
}

/**
 * Reads CoNLL's lines, a word with its tags each and blank lines between sentences: a row for each sentence, with a list
 * of its words (the first column), one of its tags (the last), and one of each column between. Columns are divided by
 * tabs, or else by blanks. Where -DOCSTART- begins documents, each row says of which it is.
 * @throws LuthierError `data-invalid` where there is no sentence
 */
export async function readConll(text: Text, problems: Problems): Promise<Content> {
  const sentences = new Sentences();
  let hasTabs: boolean | undefined;
  let width = 0;
  const take = (content: string, line: number): void => {
    if (content === '' || content.startsWith(DOCUMENT)) {
      sentences.end();
      if (content !== '') sentences.beginDocument();
      return;
    }
    if (!content.startsWith('#') && /\s/.test(content)) hasTabs ??= content.includes('\t');
    const cells = content.split(hasTabs ? /\t+/ : /\s+/);
    // A comment between sentences has not as many columns as words have.
    if (!sentences.isOpen && isComment(cells, width)) return;
    if (cells.length < 2) {
      problems.occurrence(
        { severity: 'error', code: 'no-tag' },
        line,
        (where, count) => `${counted(count, 'line')} (${where}) ${count === 1 ? 'has' : 'have'} a word without a tag.`,
      );
      sentences.untagged(content, line);
      return;
    }
    width ||= cells.length;
    if (cells.length !== width) {
      problems.occurrence(
        { severity: 'warning', code: 'ragged-row' },
        line,
        (where, count) =>
          `${counted(count, 'line')} (${where}) ${count === 1 ? 'has' : 'have'} another number of columns than the first, which has ${width}: the last is read as the tag.`,
      );
    }
    sentences.word(cells, line);
  };
  const lines = new LineCutter((bytes, start, end, line) =>
    take(
      bytes
        .toString('utf8', start, end)
        .replace(/^\ufeff/, '')
        .trim(),
      line,
    ),
  );
  for await (const piece of text.pieces()) lines.write(piece);
  lines.end();
  sentences.end();
  if (sentences.store.length === 0 && !problems.has('error')) {
    throw new LuthierError(
      'data-invalid',
      `${text.name} has no sentences.`,
      'Give each word and its tag a line, with a blank line between sentences, or use JSON with lists of tokens and tags.',
    );
  }
  const columns = [...sentences.columns.keys()];
  return {
    format: 'conll',
    columns,
    rows: new Rows(sentences.store, { width: columns.length }),
    broken: sentences.broken.numbers(),
    nested: sentences.nested,
  };
}
