import { FAST_TEXT, LABEL_SPACE_TEXT, LineCutter } from './lines.ts';
import { Rows } from './packed-rows.ts';
import type { Problems } from './problems.ts';
import { RowStore } from './row-store.ts';
import type { Content, Text } from './table.ts';

/** Reads lines `<label> <text>`, as SST-2 and fastText have them. */
export async function readLabelSpaceText(text: Text, problems: Problems): Promise<Content> {
  const store = new RowStore();
  const lines = new LineCutter((bytes, start, end, line) => {
    const content = bytes.toString('utf8', start, end).replace(/^\ufeff/, '');
    if (content.trim() === '') return;
    const row = content.startsWith(FAST_TEXT) ? fastTextRow(content) : plainRow(content);
    if (!row) {
      problems.occurrence(
        { severity: 'error', code: 'ragged-row' },
        line,
        (where) => `No label followed by a text on ${where}: each line must be “<label> <text>”.`,
      );
      return;
    }
    store.cell(row[0]);
    store.cell(row[1]);
    store.commit(line, line);
  });
  for await (const piece of text.pieces()) lines.write(piece);
  lines.end();
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

/**
 * fastText takes each word that begins with `__label__` for a label, wherever it stands. Further ones are put in front
 * of the text, where whoever makes sense of the rows finds them.
 */
function fastTextRow(content: string): LabelAndText | undefined {
  const row = plainRow(content);
  if (!row?.[1].includes(FAST_TEXT)) return row;
  const [label, text] = row;
  const words = text.split(/(?<=\s)/);
  const labels = words.filter((word) => word.startsWith(FAST_TEXT)).map((word) => `${word.trimEnd()} `);
  return [label, labels.join('') + words.filter((word) => !word.startsWith(FAST_TEXT)).join('')];
}
