import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { GenerationSettings } from '../../protocol/index.ts';
import { DecodeStream } from '../text/decode-stream.ts';
import { BeamSearch } from './beams.ts';
import { logitsSteps, sampler } from './logits.ts';
import { StopText } from './stop-text.ts';
import { type NextToken, type WriteOptions, write } from './write.ts';

/** What test/parity/generation_figures.py wrote. */
interface Figures {
  vocab: number;
  table: number[][];
  searches: { prompt: number[]; eos: number[]; options: GenerationSettings; ids: number[]; score: number | null }[];
  processed: { options: GenerationSettings; ids: number[]; logits: number[]; scores: (number | null)[] }[];
}
const figures: Figures = JSON.parse(
  readFileSync(new URL('../../../test/parity/figures/generation.json', import.meta.url), 'utf8'),
);

/** A model whose logits are a row of a table, found by the last two tokens; letters are its pieces. */
function tableModel(positions = 100): NextToken {
  const row = ([a = 0, b = 0]: readonly number[]) => Float32Array.from(figures.table[a * figures.vocab + b]!);
  let texts: number[][] = [];
  return {
    positions,
    begin: async (prompt) => {
      texts = [[0, ...prompt]];
      return row(texts[0]!.slice(-2));
    },
    next: async (tokens, parents) => {
      texts = tokens.map((token, i) => [...(texts[parents[i]!] ?? texts[0]!), token]);
      return texts.map((text) => row(text.slice(-2)));
    },
  };
}
const letters = (ids: readonly number[]) => ids.map((id) => 'abcdefghij'[id]).join('');
const options = (settings: GenerationSettings, more: Partial<WriteOptions> = {}): WriteOptions => ({
  settings,
  ends: new Set<number>(),
  decodeStream: () => new DecodeStream(letters),
  ...more,
});

describe('logits', () => {
  it.each(figures.processed.map((each) => [JSON.stringify(each.options), each] as const))(
    '%s gives transformers’ scores',
    (_, each) => {
      const scores = Float32Array.from(each.logits);
      logitsSteps({ ...each.options, do_sample: true })(each.ids, scores);
      expect([...scores]).toEqual(each.scores.map((score) => score ?? -Infinity));
    },
  );

  it('draws by probability, the same for the same seed', () => {
    const scores = Float32Array.from([0, Math.log(3), -Infinity, Math.log(6)]);
    const counts = [0, 0, 0, 0];
    const draw = sampler(5);
    const drawn = Array.from({ length: 10_000 }, () => draw(scores));
    for (const id of drawn) counts[id]!++;
    expect(counts.map((n) => Math.round(n / 100) / 10)).toEqual([1, 3, 0, 6]);
    const again = sampler(5);
    expect(Array.from({ length: 10_000 }, () => again(scores))).toEqual(drawn);
    const other = sampler(5, 1);
    expect(Array.from({ length: 100 }, () => other(scores))).not.toEqual(drawn.slice(0, 100));
  });
});

describe('write', () => {
  it.each(figures.searches.map((each) => [JSON.stringify([each.prompt, each.eos, each.options]), each] as const))(
    '%s writes transformers’ tokens',
    async (_, { prompt, eos, options: settings, ids }) => {
      const written = await write(tableModel(), prompt, options(settings, { ends: new Set(eos) }));
      expect(written.ids).toEqual(ids);
    },
  );

  it('gives the scores that transformers gives to the best beam', async () => {
    for (const { prompt, eos, options: settings, score } of figures.searches) {
      if (score === null) continue;
      const model = tableModel();
      const beams = settings.num_beams!;
      const search = new BeamSearch(prompt, {
        ...{ beams, most: settings.max_new_tokens!, ends: new Set(eos) },
        process: logitsSteps(settings),
        isStopped: () => false,
      });
      const first = await model.begin(prompt);
      let rows = Array.from({ length: beams }, () => first);
      while (search.advance(rows)) rows = await model.next(search.lastTokens, search.parents);
      expect(search.best.score).toBeCloseTo(score, 5);
    }
  });

  it('the same seed gives the same answer, another seed another', async () => {
    const sampled = (seed: number) => write(tableModel(), [3], options({ do_sample: true, max_new_tokens: 40, seed }));
    expect(await sampled(1)).toEqual(await sampled(1));
    expect((await sampled(1)).ids).not.toEqual((await sampled(2)).ids);
  });

  it('streams what it writes, ends at a stop text that lies across tokens, and does not give that out', async () => {
    const { text } = await write(tableModel(), [3], options({ max_new_tokens: 12, repetition_penalty: 1.3 }));
    const stop = text.slice(3, 6);
    const parts: string[] = [];
    const written = await write(
      tableModel(),
      [3],
      options(
        { max_new_tokens: 12, repetition_penalty: 1.3, stop: ['zzz', stop] },
        { onText: (part) => void parts.push(part) },
      ),
    );
    expect(written).toMatchObject({ text: text.slice(0, 3), reason: 'stop' });
    expect(letters(written.ids)).toBe(text.slice(0, 6));
    expect(parts.join('')).toBe(text.slice(0, 3));
    const beams = await write(tableModel(), [3], options({ max_new_tokens: 12, num_beams: 2 }));
    const cut = await write(
      tableModel(),
      [3],
      options({ max_new_tokens: 12, num_beams: 2, stop: [beams.text.slice(2, 4)] }),
    );
    expect(cut).toMatchObject({ reason: 'stop' });
  });

  it('ends at the last position, and refuses a prompt that is longer with both numbers', async () => {
    const full = await write(tableModel(6), [1, 4, 7], options({ max_new_tokens: 100 }));
    expect([full.ids.length, full.reason]).toEqual([4, 'positions']);
    await expect(write(tableModel(2), [1, 4, 7], options({}))).rejects.toThrow(
      'The prompt has 3 tokens, but the model has 2 positions.',
    );
    await expect(write(tableModel(), [], options({}))).rejects.toThrow('The prompt is empty');
    expect((await write(tableModel(), [3], options({}))).ids).toHaveLength(100);
  });

  it.each([1, 2])('refuses scores that are no numbers, with %d beams', async (num_beams) => {
    for (const bad of [Number.NaN, Infinity]) {
      const whole = tableModel();
      const spoil = (row: Float32Array) => row.map((score, i) => (i === 3 ? bad : score));
      const broken = {
        ...whole,
        next: async (...given: Parameters<typeof whole.next>) => (await whole.next(...given)).map(spoil),
      };
      await expect(write(broken, [3], options({ num_beams, max_new_tokens: 5 }))).rejects.toMatchObject({
        code: 'loss-not-finite',
        message: 'The model’s scores for the next token are not finite numbers.',
      });
    }
  });

  it('reads nothing for a request that was cancelled before its turn', async () => {
    const model = { ...tableModel(), begin: () => Promise.reject(new Error('was asked')) };
    const written = await write(model, [3], options({}, { signal: AbortSignal.abort() }));
    expect(written).toEqual({ ids: [], text: '', reason: 'cancelled' });
  });

  it('keeps what is written when it is cancelled between two tokens', async () => {
    const controller = new AbortController();
    const onText = (_: string, tokens: number) => tokens === 5 && controller.abort();
    const written = await write(
      tableModel(),
      [3],
      options({ max_new_tokens: 50 }, { signal: controller.signal, onText }),
    );
    expect(written.reason).toBe('cancelled');
    expect(written.text).toHaveLength(5);
  });
});

describe('a cancelled beam search', () => {
  /** Cancels when the model was asked for so many tokens. */
  async function cancelledAfter(tokens: number, settings: GenerationSettings, ends: readonly number[] = []) {
    const controller = new AbortController();
    const model = tableModel();
    let asked = 0;
    const next: NextToken['next'] = (...given) => {
      if (++asked === tokens) controller.abort();
      return model.next(...given);
    };
    return await write({ ...model, next }, [3], options(settings, { signal: controller.signal, ends: new Set(ends) }));
  }

  it('gives the best beam so far, said to be cut off', async () => {
    const whole = await write(tableModel(), [3], options({ num_beams: 3, max_new_tokens: 6 }));
    // After five more tokens the sixth is chosen, and all that is asked for has been written.
    const cut = await cancelledAfter(5, { num_beams: 3, max_new_tokens: 50 });
    expect(cut).toEqual({ ...whole, reason: 'cancelled' });
  });

  it('gives one that has ended where none that goes on is likelier', async () => {
    const ends = [...new Set(figures.searches.flatMap(({ eos }) => eos))];
    const settings = { num_beams: 4, max_new_tokens: 60 };
    const whole = await write(tableModel(), [3], options(settings, { ends: new Set(ends) }));
    expect(whole.reason).toBe('end');
    const cut = await cancelledAfter(whole.ids.length, settings, ends);
    expect([cut.ids.length > 0, cut.reason]).toEqual([true, 'cancelled']);
  });
});

describe('StopText', () => {
  it('holds back what may be the beginning of a stop text, and gives it out when it is not', () => {
    const stop = new StopText(['<end>', 'xy']);
    expect([stop.push('a<'), stop.push('e'), stop.push('f'), stop.push('x'), stop.end()]).toEqual([
      ...['a', '', '<ef', '', 'x'],
    ]);
    const ends = new StopText(['<end>']);
    expect([ends.push('ab<en'), ends.push('d>cd'), ends.push('more'), ends.end(), ends.isStopped]).toEqual([
      ...['ab', '', '', '', true],
    ]);
  });
});
