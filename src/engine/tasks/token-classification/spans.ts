/** A run of words that tags name together: words `start` to `end`, the last not included. */
export interface Span {
  type: string;
  start: number;
  end: number;
}

const PREFIXED = /^([BIESO])-(.+)$/s;

/** A tag's prefix and type. One without a prefix, such as a part of speech, stands for being inside of its own name. */
export function partsOf(tag: string): { prefix: string; type: string } {
  if (tag === 'O') return { prefix: 'O', type: '' };
  const match = PREFIXED.exec(tag);
  return match ? { prefix: match[1]!, type: match[2]! } : { prefix: 'I', type: tag };
}

/**
 * The spans of a sentence's tags, as seqeval's default mode and conlleval.pl count them, whatever scheme they follow
 * and however broken they are: a span begins with B or S, after the end of another, or where the type changes, and
 * ends likewise. (seqeval 1.2, sequence_labeling.py, start_of_chunk and end_of_chunk.)
 */
export function spansOf(tags: readonly string[]): Span[] {
  const spans: Span[] = [];
  let previous = { prefix: 'O', type: '' };
  let start = 0;
  for (let i = 0; i <= tags.length; i++) {
    const tag = i < tags.length ? partsOf(tags[i]!) : { prefix: 'O', type: '' };
    if (ends(previous, tag)) spans.push({ type: previous.type, start, end: i });
    if (begins(previous, tag)) start = i;
    previous = tag;
  }
  return spans;
}

type Tag = ReturnType<typeof partsOf>;

function ends(previous: Tag, tag: Tag): boolean {
  if (previous.prefix === 'O') return false;
  return ['E', 'S'].includes(previous.prefix) || ['B', 'S', 'O'].includes(tag.prefix) || previous.type !== tag.type;
}

function begins(previous: Tag, tag: Tag): boolean {
  if (tag.prefix === 'O') return false;
  return ['B', 'S'].includes(tag.prefix) || ['E', 'S', 'O'].includes(previous.prefix) || previous.type !== tag.type;
}
