import { dirname, join } from 'node:path';
import { makeFolder, writeFileAtomically } from '../../files/write-file.ts';
import { FILES } from '../../runs/folder.ts';
import { MODULES_FILE, type ModelConfig, POOLING_FILE, saveModelFolder } from '../hub/model-folder.ts';
import { OWN_KEY } from '../models/config.ts';
import type { TaskModel } from '../runtime/model.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

/** The folder of a run's encoder, beside that of its model. */
export const sentenceTransformerFolderOf = (modelFolder: string): string =>
  join(dirname(modelFolder), FILES.sentenceTransformer);

/** sentence-transformers' modules under the names that all of its versions know. */
const MODULES = [
  { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
  { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
];

/**
 * Writes the encoder alone, without the layer that pools and without the classifier, as a model of sentence-transformers:
 * its `encode` gives what `model.embeddings` gives.
 * @param config config.json of the model with its pooling
 * @throws LuthierError `disk-full`, `not-writable`
 */
export async function saveSentenceTransformer(
  folder: string,
  model: TaskModel,
  config: ModelConfig,
  tokenizer: Tokenizer,
  maxLength: number,
): Promise<void> {
  const { architecture, store } = model;
  const { prefix, reading, numLayers, pooling } = architecture;
  const { layers, layer } = pooling!;
  const pools = reading === 'mean';
  const isBody = (name: string) =>
    name.startsWith(`${prefix}.`) && !(pools && name.startsWith(`${layer(numLayers - 1)}.`));
  const { [OWN_KEY]: _, id2label: __, label2id: ___, problem_type: ____, ...rest } = config;
  const length = Math.min(maxLength, architecture.maxPositions);
  const write = async (file: string, content: unknown) => {
    await writeFileAtomically(join(folder, file), `${JSON.stringify(content, null, 2)}\n`);
  };
  await tokenizer.save(folder, length);
  await saveModelFolder(folder, {
    config: {
      ...rest,
      architectures: [architecture.className.replace(/For\w+$/, 'Model')],
      dtype: 'float32',
      ...(pools && { [layers]: numLayers - 1 }),
    },
    tensors: [...store.parameters.values()]
      .filter(({ name }) => isBody(name))
      .map(({ name, shape, weight }) => ({
        ...{ name: name.slice(prefix.length + 1), shape, dtype: 'F32' as const, data: weight },
      })),
  });
  await makeFolder(join(folder, dirname(POOLING_FILE)));
  await write('sentence_bert_config.json', { max_seq_length: length, do_lower_case: false });
  await write(POOLING_FILE, {
    word_embedding_dimension: architecture.hiddenSize,
    pooling_mode_cls_token: !pools,
    pooling_mode_mean_tokens: pools,
    pooling_mode_max_tokens: false,
    pooling_mode_mean_sqrt_len_tokens: false,
  });
  // Last, so that a folder left half-written is seen to lack it.
  await write(MODULES_FILE, MODULES);
}
