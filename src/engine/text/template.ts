import { BYTE_SPACE } from './byte-level.ts';
import { type Part, PartError } from './part.ts';
import type { Vocabulary } from './word-models.ts';

/** How special tokens stand around the texts: ids, and `A` or `B` where a text's pieces go. */
export interface Template {
  items: { id: number | 'A' | 'B'; typeId: number }[];
  specials: number;
  hasTypes: boolean;
}

/** What tokenizer.json's `post_processor` says. */
export interface Templates {
  single: Template;
  pair: Template;
  /** Spaces at a piece's ends are left out of its offsets; `prefix`: not the one that add_prefix_space made. */
  trim: { prefix: boolean } | null;
}

type Items = Template['items'];

const template = (items: Items): Template => ({
  items,
  specials: items.filter(({ id }) => typeof id === 'number').length,
  hasTypes: items.some(({ typeId }) => typeId !== 0),
});

const A = { id: 'A', typeId: 0 } as const;
const B = (typeId: number) => ({ id: 'B', typeId }) as const;

/** Without a post-processor a second text has type 1. */
export const PLAIN: Templates = { single: template([A]), pair: template([A, B(1)]), trim: null };

/** Reads `post_processor`. Throws where a part is not understood, or names a token that the vocabulary lacks. */
export function createTemplates(part: Part, ids: Vocabulary): Templates {
  switch (part.type) {
    case 'TemplateProcessing':
      return {
        single: template(itemsOf(part, 'single', ids)),
        pair: template(itemsOf(part, 'pair', ids)),
        trim: null,
      };
    case 'BertProcessing': {
      const [cls, sep] = [special(part, 'cls', ids), special(part, 'sep', ids)];
      const single = [{ id: cls, typeId: 0 }, A, { id: sep, typeId: 0 }];
      return { single: template(single), pair: template([...single, B(1), { id: sep, typeId: 1 }]), trim: null };
    }
    case 'RobertaProcessing': {
      const cls = { id: special(part, 'cls', ids), typeId: 0 };
      const sep = { id: special(part, 'sep', ids), typeId: 0 };
      const prefix = part.boolean('add_prefix_space', true);
      const trim = part.boolean('trim_offsets', true) ? { prefix } : null;
      return { single: template([cls, A, sep]), pair: template([cls, A, sep, sep, B(0), sep]), trim };
    }
    case 'ByteLevel': {
      const prefix = part.boolean('add_prefix_space', true);
      part.ignore('use_regex');
      return { ...PLAIN, trim: part.boolean('trim_offsets', true) ? { prefix } : null };
    }
    case 'Sequence': {
      const all = part.parts('processors').map((each) => createTemplates(each, ids));
      const around = all.filter(({ single }) => single.specials > 0);
      if (around.length > 1)
        throw part.wrong('processors', 'put special tokens around a text more than once, which Luthier does not know');
      return {
        ...(around[0] ?? all.findLast(({ pair }) => !pair.hasTypes) ?? PLAIN),
        trim: all.find(({ trim }) => trim !== null)?.trim ?? null,
      };
    }
    default:
      throw part.unknown();
  }
}

function itemsOf(part: Part, key: 'single' | 'pair', ids: Vocabulary): Items {
  const list = part.value(key);
  if (!Array.isArray(list)) throw part.wrong(key, 'must be a list');
  const tokens = part.value('special_tokens') as Record<string, { ids?: unknown } | undefined> | undefined;
  return list.flatMap((entry: unknown, i): Items => {
    const { SpecialToken: token, Sequence: sequence } = (entry ?? {}) as Record<string, Record<string, unknown>>;
    const { id, type_id: typeId } = token ?? sequence ?? {};
    if (typeof id !== 'string' || !Number.isInteger(typeId) || (sequence && id !== 'A' && id !== 'B'))
      throw part.wrong(`${key}[${i}]`, 'must be a SpecialToken or a Sequence with an id and a type_id');
    if (sequence) return [{ id: id as 'A' | 'B', typeId: typeId as number }];
    const own = tokens?.[id]?.ids;
    if (!ids.has(id) && !Array.isArray(own)) throw lacking(id);
    const numbers: unknown[] = Array.isArray(own) ? own : [ids.get(id)];
    return numbers.map((number) => ({ id: known(number, id, ids), typeId: typeId as number }));
  });
}

/** `["[CLS]", 101]`. */
function special(part: Part, key: string, ids: Vocabulary): number {
  const pair = part.value(key);
  if (!Array.isArray(pair) || typeof pair[0] !== 'string') throw part.wrong(key, 'must be a token and its id');
  if (!ids.has(pair[0])) throw lacking(pair[0]);
  return known(pair[1], pair[0], ids);
}

function known(id: unknown, token: string, ids: Vocabulary): number {
  for (const each of ids.values()) if (each === id) return each;
  throw lacking(token);
}

const lacking = (token: string): PartError =>
  new PartError(`key "post_processor" names the token ${JSON.stringify(token)}, which the vocabulary lacks`);

/**
 * Leaves spaces at the ends of pieces out of their offsets. tokenizers, pre_tokenizers/byte_level.rs, process_offsets.
 * @param offsets Start and end of each piece; changed in place.
 */
export function trimOffsets(pieces: readonly string[], offsets: number[], prefix: boolean): void {
  pieces.forEach((piece, i) => {
    const isSpace = (c: string): boolean => c === BYTE_SPACE || /\p{White_Space}/u.test(c);
    const characters = [...piece];
    let leading = characters.findIndex((c) => !isSpace(c));
    if (leading < 0) leading = characters.length;
    const trailing = characters.length - 1 - characters.findLastIndex((c) => !isSpace(c));
    if (leading === 0 && trailing === 0) return;
    let start = offsets[2 * i]!;
    let end = offsets[2 * i + 1]!;
    if (leading > 0) start = Math.min(start + ((i === 0 || start === 0) && prefix ? 0 : leading), end);
    if (trailing > 0 && end >= trailing) end = Math.max(end - trailing, start);
    offsets[2 * i] = start;
    offsets[2 * i + 1] = end;
  });
}
