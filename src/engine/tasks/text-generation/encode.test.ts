import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Tokenizer } from '../../text/tokenizer.ts';
import { segmentsOf } from '../language/items.ts';
import { IGNORED } from '../task.ts';
import { encodePassages } from './encode.ts';
import type { Passage } from './rows.ts';

const STARTER = join(import.meta.dirname, '../../../../starters/decoder');
const passage = (text: string, more: Partial<Passage> = {}): Passage => ({
  ...{ file: '/data/a.txt', line: 1, text, isStart: true, isEnd: true },
  ...more,
});

describe('encodePassages', () => {
  let tokenizer: Tokenizer;
  let eos: number;
  beforeAll(async () => {
    tokenizer = await Tokenizer.load(STARTER);
    eos = tokenizer.idOf('<|im_end|>')!;
  });

  it('learns each token of a text but the first, and where it ends', () => {
    const { items } = encodePassages([passage('The cat sat.')], tokenizer, 64);
    const [{ ids, labels, ends, bytes }] = items as [(typeof items)[0]];
    expect(ids.at(-1)).toBe(eos);
    expect([...labels]).toEqual([...ids.slice(1), IGNORED]);
    expect({ ends, bytes }).toEqual({ ends: true, bytes: ' cat sat.'.length });
  });

  it('learns every token once, in windows that begin with the last token before them', () => {
    const text = 'The quick brown fox jumps over the lazy dog. '.repeat(9);
    const whole = encodePassages([passage(text)], tokenizer, 1024).items[0]!;
    const { items, truncatedRows } = encodePassages([passage(text)], tokenizer, 16);
    expect(truncatedRows).toBe(1);
    const learnt = items.flatMap(({ labels }) => [...labels].filter((label) => label !== IGNORED));
    expect(learnt).toEqual([...whole.ids.slice(1)]);
    expect(items.every(({ ids }) => ids.length <= 16)).toBe(true);
    expect(items.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(whole.bytes);
    expect(items.filter(({ ends }) => ends)).toHaveLength(1);
  });

  it('does not end a text in its midst', () => {
    const rows = [passage('One. ', { isEnd: false }), passage('Two.', { isStart: false })];
    const { items } = encodePassages(rows, tokenizer, 64);
    expect(items.map(({ ids, ends }) => [ids.at(-1) === eos, ends])).toEqual([
      [false, false],
      [true, true],
    ]);
  });

  it('learns the completion alone, and cuts the beginning of a prompt that is too long', () => {
    const row = passage(' shipping', { prompt: 'Q: The box arrived wet and torn' });
    const { items } = encodePassages([row], tokenizer, 64);
    expect(segmentsOf(items[0]!, tokenizer)).toEqual([
      { text: 'Q: The box arrived wet and torn', learnt: false },
      { text: ' shipping<|im_end|>', learnt: true },
    ]);
    expect(items[0]!.bytes).toBe(9);
    const cut = encodePassages([row], tokenizer, 6).items[0]!;
    expect(cut.ids).toHaveLength(6);
    expect(segmentsOf(cut, tokenizer).at(-1)).toEqual({ text: ' shipping<|im_end|>', learnt: true });
    expect(cut.cut).toBe(items[0]!.ids.length - 6);
  });

  it('counts the bytes that are learnt alone, where a completion is cut or nothing stands before it', () => {
    const text = ' shipping of the boxes that were sent to the wrong address';
    const [item] = encodePassages([passage(text, { prompt: 'Q: why' })], tokenizer, 8).items;
    const learnt = segmentsOf(item!, tokenizer).at(-1)!.text;
    expect(text.startsWith(learnt)).toBe(true);
    expect(item!.bytes).toBe(learnt.length);
    expect(learnt.length).toBeLessThan(text.length);
    const [bare] = encodePassages([passage('The cat sat.', { prompt: '' })], tokenizer, 64).items;
    expect(bare!.bytes).toBe(' cat sat.'.length);
  });

  it('says where prompt and completion run together', () => {
    const { items, notes } = encodePassages([passage('ping', { prompt: 'The word is ship' })], tokenizer, 64);
    const [prompt, learnt] = segmentsOf(items[0]!, tokenizer);
    expect(prompt!.text + learnt!.text).toBe('The word is shipping<|im_end|>');
    expect(notes?.map(({ message }) => message)).toEqual(
      learnt!.text === 'ping<|im_end|>'
        ? []
        : [
            'In 1 row, the end of the prompt and the beginning of the completion are one token, which is learnt. Begin completions with a blank.',
          ],
    );
  });
});
