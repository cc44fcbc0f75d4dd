import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveModelFolder } from '../../src/engine/hub/model-folder.ts';
import { declarationOf } from '../../src/engine/models/architecture.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { textGeneration } from '../../src/engine/tasks/text-generation/task.ts';
import { buildEngine, Program, removeEngine } from '../faults/engine.ts';
import { weight } from '../parity/values.ts';

const STARTER = join(import.meta.dirname, '../../starters/decoder');
const NAMES = ['<fim_prefix>', '<fim_suffix>', '<fim_middle>'];
const VOCABULARY = 8192 + NAMES.length;
const CONFIG = {
  ...{ model_type: 'llama', architectures: ['LlamaForCausalLM'], vocab_size: VOCABULARY, hidden_size: 32 },
  ...{ num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 64, max_position_embeddings: 64 },
  ...{ tie_word_embeddings: true, bos_token_id: 1, eos_token_id: 2 },
};

/** A small random Llama; its tokenizer is the starter's, with StarCoder's three tokens. */
async function writeModel(folder: string): Promise<void> {
  const { parameters } = declarationOf(architectureOf(CONFIG, 'config.json', textGeneration));
  const tensors = [...parameters.values()].map(({ name, shape }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return { name, shape, dtype: 'F32' as const, data: weight(name, size, 0.05) };
  });
  await saveModelFolder(folder, { config: CONFIG, tensors });
  await copyFile(join(STARTER, 'tokenizer_config.json'), join(folder, 'tokenizer_config.json'));
  const tokenizer = JSON.parse(await readFile(join(STARTER, 'tokenizer.json'), 'utf8')) as { added_tokens: object[] };
  const token = { special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };
  tokenizer.added_tokens.push(...NAMES.map((content, i) => ({ id: 8192 + i, content, ...token })));
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
}

describe('fill-in-the-middle, from a folder of texts to a gap that is filled', () => {
  let place: string;
  let cli: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'luthier-fim-run-'));
    cli = (await buildEngine()).cli;
    await writeModel(join(place, 'base'));
    await mkdir(join(place, 'texts'));
    for (let i = 0; i < 48; i++)
      await writeFile(join(place, 'texts', `${i}.txt`), `Note ${i}: the fox sleeps under the tree until noon.`);
    const recipe = {
      ...{ version: 2, task: 'text-generation', model: 'base', dataset: 'texts', fim_rate: 1, fim_spm_rate: 0 },
      ...{ strategy: { type: 'full' }, learning_rate: 5e-3, num_train_epochs: 3, per_device_train_batch_size: 8 },
      ...{ max_length: 64, validation_split: 0.1, backend: 'onnxruntime' },
    };
    await writeFile(join(place, 'recipe.json'), JSON.stringify(recipe));
  });
  afterAll(async () => {
    await removeEngine();
    await rm(place, { recursive: true, force: true });
  });
  const luthier = (...args: string[]) => new Program(process.execPath, [cli, ...args], place).finished;

  it('is trained and asked in the terminal, and refused of a model without the tokens', {
    timeout: 300_000,
  }, async () => {
    const trained = await luthier('train', 'recipe.json', '--out', 'run', '--json');
    expect(trained.code, trained.stderr).toBe(0);
    expect(trained.stderr).toMatch(/Fill-in-the-middle \(fim_rate 1\): \d+ of \d+ training texts are rearranged/);
    const steps = trained.events.filter((event) => event.event === 'step');
    expect(steps.at(-1)!.loss).toBeLessThan(0.8 * steps[0]!.loss);

    const asked = ['--max-new-tokens', '6', '--json'];
    const [before, after] = ['Note 7: the fox', ' under the tree until noon.'];
    const filled = await luthier('generate', 'run', '--text', before, '--suffix', after, ...asked);
    expect(filled.code, filled.stderr).toBe(0);
    const middle = JSON.parse(filled.stdout);
    expect(middle).toMatchObject({ text: before, generated_text: expect.any(String) });
    expect(middle.token_ids.length).toBeGreaterThan(0);
    // The same tokens, written out.
    const raw = await luthier(
      'generate',
      'run',
      '--text',
      `<fim_prefix>${before}<fim_suffix>${after}<fim_middle>`,
      ...asked,
    );
    expect(JSON.parse(raw.stdout).token_ids).toEqual(middle.token_ids);

    const odd = await luthier('generate', 'run', '--text', before, '--suffix', after, '--suffix', 'another', ...asked);
    expect([odd.code, odd.stderr]).toEqual([2, expect.stringContaining('There are 1 --text and 2 --suffix.')]);
    const without = await luthier('generate', STARTER, '--text', before, '--suffix', after, ...asked);
    expect(without.code).not.toBe(0);
    expect(without.stderr).toContain('its tokenizer has no tokens for fill-in-the-middle');
  });
});
