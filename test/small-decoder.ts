import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { saveModelFolder } from '../src/engine/hub/model-folder.ts';
import { declarationOf } from '../src/engine/models/architecture.ts';
import { architectureOf } from '../src/engine/models/registry.ts';
import { textGeneration } from '../src/engine/tasks/text-generation/task.ts';
import { bytesOf } from '../src/engine/text/byte-level.ts';
import { byteLevelTokenizerJson } from '../src/engine/text/byte-level-files.ts';
import { weight } from './parity/values.ts';

/** ASCII's characters, each a token, with its code as the id. */
const CHARACTERS = Array.from({ length: 128 }, (_, code) => bytesOf(String.fromCharCode(code)));
export const END = '<|endoftext|>';

interface SmallDecoderOptions {
  /** Further tokens. */
  others?: readonly string[];
  /** Beside the token that ends a text. */
  tokenizerConfig?: Record<string, unknown>;
  /** Tensors that the file lacks. */
  without?: readonly string[];
}

/**
 * Writes a decoder of random weights that learns in seconds: each character of ASCII is a token, behind them stand the
 * token that ends a text and others that are named.
 * @param config its model_type and sizes; it may have more rows of embeddings than tokens
 */
export async function writeSmallDecoder(
  folder: string,
  config: Record<string, unknown>,
  { others = [], tokenizerConfig = {}, without = [] }: SmallDecoderOptions = {},
): Promise<void> {
  const vocab = Object.fromEntries([...CHARACTERS, END].map((token, id) => [token, id]));
  const added = new Map(others.map((token, i) => [token, CHARACTERS.length + 1 + i]));
  const whole = {
    ...{ vocab_size: CHARACTERS.length + 1 + added.size, tie_word_embeddings: true },
    ...{ bos_token_id: CHARACTERS.length, eos_token_id: CHARACTERS.length, ...config },
  };
  const { parameters } = declarationOf(architectureOf(whole, 'config.json', textGeneration));
  const kept = [...parameters.values()].filter(({ name }) => !without.includes(name));
  const tensors = kept.map(({ name, shape }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return { name, shape, dtype: 'F32' as const, data: weight(name, size, 0.05) };
  });
  await saveModelFolder(folder, { config: whole, tensors });
  const tokenizer = byteLevelTokenizerJson('gpt2', vocab, [], { eos_token: END }, added, false);
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  const said = { tokenizer_class: 'PreTrainedTokenizerFast', eos_token: END, ...tokenizerConfig };
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(said));
}

/** Shapes of a Llama and a GPT-2 of two layers. */
export const SMALL_LLAMA = {
  ...{ model_type: 'llama', architectures: ['LlamaForCausalLM'], hidden_size: 64, num_hidden_layers: 2 },
  ...{ num_attention_heads: 4, intermediate_size: 128, max_position_embeddings: 128 },
};
export const SMALL_GPT2 = {
  ...{ model_type: 'gpt2', architectures: ['GPT2LMHeadModel'], n_embd: 32, n_layer: 2, n_head: 2, n_positions: 128 },
  ...{ resid_pdrop: 0, embd_pdrop: 0, attn_pdrop: 0 },
};
