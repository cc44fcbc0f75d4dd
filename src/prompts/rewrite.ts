import type { PromptFile, Range } from './prompt-file.ts';

/** A value of the front matter in the place of what is written there. */
export interface Written {
  range: Range;
  value: unknown;
}

/**
 * A template's text with other values in its front matter and another body. Values are written as JSON, which is YAML,
 * on one line: what follows a block keeps its own.
 */
export function rewritten(
  text: string,
  { body }: Pick<PromptFile, 'body'>,
  { values, body: other }: { values: readonly Written[]; body?: string },
): string {
  const edits = values
    .map(({ range, value }) => {
      const end = /\r?\n\s*$/.exec(text.slice(range.start, range.end))?.[0] ?? '';
      return { range, text: JSON.stringify(value ?? null) + end };
    })
    .toSorted((a, b) => b.range.start - a.range.start);
  const made = edits.reduce(
    (whole, edit) => whole.slice(0, edit.range.start) + edit.text + whole.slice(edit.range.end),
    text.slice(0, body.start),
  );
  return made + (other ?? text.slice(body.start, body.end)) + text.slice(body.end);
}
