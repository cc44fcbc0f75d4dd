import { FAST_TEXT, LABEL_SPACE_TEXT, LineCutter } from './lines.ts';
import { RowStore, Rows } from './packed-rows.ts';
import { counted, type Problems } from './problems.ts';
import type { Content, Text } from './table.ts';

/** Reads lines `<label> <text>`, as SST-2 and fastText have them. */
export async function readLabelSpaceText(text: Text, problems: Problems): Promise<Content> {
  const store = new RowStore();
  /** fastText's labels, each with its first line. */
  const labels = new Map<string, number>();
  const lines = new LineCutter((bytes, start, end, line) => {
    const content = bytes.toString('utf8', start, end).replace(/^\ufeff/, '');
    if (content.trim() === '') return;
    const row = content.startsWith(FAST_TEXT) ? fastTextRow(content, line, problems) : plainRow(content);
    if (!row) {
      problems.occurrence(
        { severity: 'error', code: 'ragged-row' },
        line,
        (where) => `No label with a text after it on ${where}: each line must be “<label> <text>”.`,
      );
      return;
    }
    if (row[0].startsWith(FAST_TEXT) && !labels.has(row[0])) labels.set(row[0], line);
    store.cell(row[0]);
    store.cell(row[1]);
    store.commit(line, line);
  });
  for await (const piece of text.pieces()) lines.write(piece);
  lines.end();
  tellMisspelt(labels, problems);
  return {
    format: 'label-space-text',
    columns: ['label', 'text'],
    rows: new Rows(store, { width: 2 }),
    nested: new Map(),
  };
}

type LabelAndText = [label: string, text: string];

function plainRow(content: string): LabelAndText | undefined {
  const match = LABEL_SPACE_TEXT.exec(content);
  return match ? [match[1]!, match[2]!] : undefined;
}

/** fastText takes each word that begins with `__label__` for a label, wherever it stands; none is a part of the text. */
function fastTextRow(content: string, line: number, problems: Problems): LabelAndText | undefined {
  if (!content.includes(FAST_TEXT, 1)) return plainRow(content);
  const words = content.split(/(\s+)/);
  const labels = words.filter((word) => word.startsWith(FAST_TEXT));
  if (labels.length > 1) {
    problems.occurrence(
      { severity: 'error', code: 'list-labels' },
      line,
      (where, count) =>
        `${counted(count, 'line')} ${count === 1 ? 'has' : 'have'} several labels (${where}; line ${line} has ${labels.slice(0, 5).join(', ')}). Several labels a text are not supported yet: keep one on each line.`,
    );
  }
  const text = words
    .filter((word) => !word.startsWith(FAST_TEXT))
    .join('')
    .trim();
  return text === '' ? undefined : [labels[0]!, text];
}

/** A label with a comma or a full stop at its end is most likely another one and what followed it. */
function tellMisspelt(labels: ReadonlyMap<string, number>, problems: Problems): void {
  for (const [label, line] of labels) {
    const plain = label.replace(/[.,;:!?"')\]]+$/, '');
    if (plain === label || plain === FAST_TEXT) continue;
    const other = labels.has(plain) ? `is near to “${plain}”` : 'ends with a punctuation mark';
    problems.add('warning', 'similar-labels', `The label “${label}” on line ${line} ${other}; is it “${plain}”?`, {
      line,
      column: 'label',
    });
  }
}
