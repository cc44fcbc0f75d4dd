import type { JsonRecord } from '../hub/json-file.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

/** `eos_token_id`, a number or several, of generation_config.json or config.json; else the tokenizer's eos_token. */
export function endsOf({ eos_token_id: ids }: JsonRecord, tokenizer: Pick<Tokenizer, 'specialId'>): number[] {
  const given = (Array.isArray(ids) ? ids : [ids]).filter(
    (id): id is number => Number.isInteger(id) && (id as number) >= 0,
  );
  if (given.length > 0) return given;
  const own = tokenizer.specialId('eos_token');
  return own === null ? [] : [own];
}

/** Ids of the stop texts that are special tokens: a decoded text has none of these, so they would never be found there. */
export const stopTokens = (stops: readonly string[] = [], tokenizer: Pick<Tokenizer, 'idOf' | 'isSpecial'>): number[] =>
  stops.flatMap((stop) => {
    const id = tokenizer.idOf(stop);
    return id !== null && tokenizer.isSpecial(id) ? [id] : [];
  });
