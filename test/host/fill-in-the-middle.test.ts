import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/engine/data/random.ts';
import { type Completer, openCompleter } from '../../src/engine/infer/completer.ts';
import { buildEngine, Program, removeEngine } from '../faults/engine.ts';
import { SMALL_LLAMA, writeSmallDecoder } from '../small-decoder.ts';

const STARTER = join(import.meta.dirname, '../../starters/decoder');
const TOKENS = ['<fim_prefix>', '<fim_suffix>', '<fim_middle>'];

/** A text of a made language: what is opened is closed, and nothing before it tells which it is. */
interface Made {
  name: string;
  number: number;
}
/** @param isHeldOut numbers that five divides are in no text that is learnt */
function made(random: Random, isHeldOut: boolean): Made {
  const number = 1000 + 5 * random.below(1800) + (isHeldOut ? 0 : 1 + random.below(4));
  return { name: String.fromCharCode(65 + random.below(26)), number };
}
const BEFORE = 'open ';
const behind = ({ name, number }: Made) => `\n${number}\nclose ${name}\n`;

describe('fill-in-the-middle, from texts to a gap that is filled', () => {
  let place: string;
  let cli: string;
  let completer: Completer;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'luthier-fim-run-'));
    cli = (await buildEngine()).cli;
    await writeSmallDecoder(join(place, 'base'), SMALL_LLAMA, { others: TOKENS });
    const random = new Random(3);
    const texts = Array.from({ length: 2000 }, () => made(random, false));
    const rows = texts.map((text) => `${JSON.stringify({ text: BEFORE + text.name + behind(text) })}\n`);
    await writeFile(join(place, 'texts.jsonl'), rows.join(''));
    const recipe = {
      ...{ version: 2, task: 'text-generation', model: 'base', dataset: 'texts.jsonl', fim_rate: 0.5, max_length: 64 },
      ...{ strategy: { type: 'full' }, learning_rate: 5e-3, num_train_epochs: 6, per_device_train_batch_size: 32 },
      ...{ validation_split: 0.05, backend: 'onnxruntime' },
    };
    await writeFile(join(place, 'recipe.json'), JSON.stringify(recipe));
  });
  afterAll(async () => {
    completer?.dispose();
    await removeEngine();
    await rm(place, { recursive: true, force: true });
  });
  const luthier = (...args: string[]) => new Program(process.execPath, [cli, ...args], place).finished;

  it('is trained, and what is suggested follows from what stands behind the cursor', {
    timeout: 600_000,
  }, async () => {
    const trained = await luthier('train', 'recipe.json', '--out', 'run', '--json');
    expect(trained.code, trained.stderr).toBe(0);
    expect(trained.stderr).toMatch(
      /Fill-in-the-middle \(fim_rate 0\.5\): [\d,]+ of [\d,]+ training texts are rearranged/,
    );

    completer = await openCompleter(join(place, 'run', 'model'), { backend: 'onnxruntime' });
    const suggested = async (after: string) => {
      const request = { model: 'run', language: 'typescript', before: BEFORE, after };
      const { items, middle } = await completer.complete(request);
      return { text: items[0]?.text, middle };
    };
    const random = new Random(11);
    const right = { own: 0, other: 0, without: 0 };
    for (let i = 0; i < 40; i++) {
      const text = made(random, true);
      const other = { ...text, name: made(random, true).name };
      if ((await suggested(behind(text))).text === text.name) right.own++;
      if ((await suggested(behind(other))).text === other.name) right.other++;
      // Without its suffix, it is one letter of 26.
      const alone = await suggested('');
      expect(alone.middle).toBe(false);
      if (alone.text === text.name) right.without++;
    }
    expect(right.own).toBeGreaterThanOrEqual(38);
    expect(right.other).toBeGreaterThanOrEqual(38);
    // Of 40 with a chance of 1 in 26 each, more than 7 are right once in 5,000 times.
    expect(right.without).toBeLessThanOrEqual(7);
  });

  it('is asked in the terminal, and refused of a model without the tokens', { timeout: 120_000 }, async () => {
    const text = made(new Random(12), true);
    const file = `${BEFORE}${behind(text)}`;
    await writeFile(join(place, 'gap.ts'), file);
    const completed = await luthier('complete', 'run', '--file', 'gap.ts', '--offset', `${BEFORE.length}`, '--json');
    expect(completed.code, completed.stderr).toBe(0);
    expect(JSON.parse(completed.stdout).items[0].text).toBe(text.name);

    const asked = ['--max-new-tokens', '6', '--json'];
    const suffix = behind(text);
    // A blank belongs to the word behind it.
    const before = BEFORE.trimEnd();
    const filled = await luthier('generate', 'run', '--text', before, '--suffix', suffix, ...asked);
    expect(filled.code, filled.stderr).toBe(0);
    const middle = JSON.parse(filled.stdout);
    expect(middle).toMatchObject({ text: before, generated_text: ` ${text.name}` });
    // The same tokens, written out.
    const prompt = `<fim_prefix>${before}<fim_suffix>${suffix}<fim_middle>`;
    const raw = await luthier('generate', 'run', '--text', prompt, ...asked);
    expect(JSON.parse(raw.stdout).token_ids).toEqual(middle.token_ids);

    const odd = await luthier('generate', 'run', '--text', 'a', '--suffix', 'b', '--suffix', 'another', ...asked);
    expect([odd.code, odd.stderr]).toEqual([2, expect.stringContaining('There are 1 --text and 2 --suffix.')]);
    const without = await luthier('generate', STARTER, '--text', before, '--suffix', suffix, ...asked);
    expect(without.code).not.toBe(0);
    expect(without.stderr).toContain('its tokenizer has no tokens for fill-in-the-middle');
  });

  it('says once how many answers are cut off, and which', { timeout: 120_000 }, async () => {
    const prompts = ['open K\n1234\nclose ', 'open K', 'open L'];
    await writeFile(join(place, 'prompts.jsonl'), prompts.map((prompt) => `${JSON.stringify({ prompt })}\n`).join(''));
    for (const json of [[], ['--json']]) {
      const asked = ['--file', 'prompts.jsonl', '--max-new-tokens', '6', ...json];
      const { code, stdout, stderr } = await luthier('generate', 'run', ...asked);
      expect(code, stderr).toBe(0);
      expect(stderr.match(/cut off/gi)).toHaveLength(1);
      expect(stderr).toContain(
        '2 of 3 answers are cut off at the token limit (lines 2 and 3); --max-new-tokens allows more.',
      );
      if (json.length > 0) expect(JSON.parse(stdout.split('\n')[0]!).generated_text).toBe('K\n');
    }
    const one = await luthier('generate', 'run', '--text', 'open K', '--max-new-tokens', '6');
    expect(one.stderr).toContain('Cut off after 6 tokens; --max-new-tokens allows more.');
  });
});
