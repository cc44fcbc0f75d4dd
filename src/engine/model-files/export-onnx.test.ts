import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TaskName } from '../../protocol/index.ts';
import { Random } from '../data/random.ts';
import { saveModelFolder } from '../hub/model-folder.ts';
import { declarationOf } from '../models/architecture.ts';
import { architectureOf } from '../models/registry.ts';
import { taskNamed } from '../tasks/registry.ts';
import { exportFolderAsOnnx } from './export-onnx.ts';

const STARTER = join(import.meta.dirname, '../../../starters/decoder');
const CONFIG = {
  ...{ model_type: 'llama', vocab_size: 8192, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 },
  ...{ intermediate_size: 24, max_position_embeddings: 64, tie_word_embeddings: true, pad_token_id: 2 },
  ...{ num_labels: 2, id2label: { 0: 'a', 1: 'b' }, label2id: { a: 0, b: 1 } },
};

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'luthier-export-onnx-'));
});
afterAll(() => rm(place, { recursive: true, force: true }));

async function modelOf(task: TaskName, className: string): Promise<string> {
  const folder = join(place, className);
  const random = new Random(1);
  const { parameters } = declarationOf(architectureOf(CONFIG, 'config.json', taskNamed(task)), { outputs: 2 });
  const tensors = [...parameters.values()].map(({ name, shape }) => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.float() / 10);
    return { name, shape, dtype: 'F32' as const, data };
  });
  await saveModelFolder(folder, { config: { ...CONFIG, architectures: [className] }, tensors });
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    await copyFile(join(STARTER, name), join(folder, name));
  return folder;
}

it('says of a model that writes that it has no cache, and nothing of a classifier', async () => {
  const writer = await exportFolderAsOnnx(await modelOf('text-generation', 'LlamaForCausalLM'));
  expect(writer.max_difference).toBeLessThan(1e-4);
  expect(writer.note).toMatch(/has no past_key_values/);
  const classifier = await exportFolderAsOnnx(await modelOf('text-classification', 'LlamaForSequenceClassification'));
  expect(classifier).not.toHaveProperty('note');
});
