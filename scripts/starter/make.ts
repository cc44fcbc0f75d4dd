import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../../src/engine/data/random.ts';
import { type ModelConfig, openModelFolder, saveModelFolder } from '../../src/engine/hub/model-folder.ts';
import { declarationOf } from '../../src/engine/models/architecture.ts';
import { mapWeights } from '../../src/engine/models/names.ts';
import { architectureOf } from '../../src/engine/models/registry.ts';
import { ParameterStore } from '../../src/engine/runtime/parameter-store.ts';
import { createOnnxRuntimeExecutor } from '../../src/engine/tensor/executors/onnxruntime.ts';
import { distil, type Model } from './distil.ts';
import { chooseVocabulary, countPieces, type WeightedText, type WordPieceFile, withVocabulary } from './vocabulary.ts';
import { differingPairs, wordEncoder } from './words.ts';

const VALIDATION_TEXTS = 512;
const WORD_EMBEDDINGS = 'bert.embeddings.word_embeddings.weight';

/** What corpus.py writes beside its texts. */
interface CorpusCounts {
  sources: Record<string, { lines: number; words: number }>;
  lemmas: Record<string, number>;
}

const { values: options } = parseArgs({
  options: {
    minilm: { type: 'string' },
    corpus: { type: 'string' },
    out: { type: 'string' },
    init: { type: 'string' },
    pieces: { type: 'string', default: '10000' },
    steps: { type: 'string', default: '1500' },
    'learning-rate': { type: 'string', default: '3e-4' },
    'batch-size': { type: 'string', default: '64' },
    'sentence-weight': { type: 'string', default: '1' },
    seed: { type: 'string', default: '42' },
  },
});
const { minilm, corpus, out } = options;
if (!minilm || !corpus || !out) {
  console.error('usage: node scripts/starter/make.mjs --minilm FOLDER --corpus FILE --out FOLDER [--pieces 10000]');
  console.error('         [--steps 1500] [--learning-rate 3e-4] [--batch-size 64] [--seed 42]');
  process.exit(2);
}

const readJson = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8')) as T;

/** What all sources together count, and WordNet's counts of general English: much beside chooseVocabulary's half. */
const TOTAL = 500_000;

/** Each source counts alike, whatever its length, and WordNet's counts of general English as much as all of them. */
function* weighted(texts: readonly string[], { sources, lemmas }: CorpusCounts): Generator<WeightedText> {
  let next = 0;
  const numSources = Object.keys(sources).length;
  for (const { lines, words } of Object.values(sources))
    for (let i = 0; i < lines; i++) yield { text: texts[next++]!, weight: TOTAL / (numSources * words) };
  const lemmaTotal = Object.values(lemmas).reduce((a, b) => a + b, 0);
  for (const [lemma, count] of Object.entries(lemmas)) yield { text: lemma, weight: (TOTAL * count) / lemmaTotal };
}

const folder = await openModelFolder(minilm);
const texts = (await readFile(corpus, 'utf8')).trimEnd().split('\n');
const counts = await readJson<CorpusCounts>(`${corpus}.counts.json`);
const tokenizerJson = await readJson<WordPieceFile>(join(minilm, 'tokenizer.json'));
const tokenizerConfig = await readJson<Record<string, unknown>>(join(minilm, 'tokenizer_config.json'));

const pieces = chooseVocabulary(
  tokenizerJson,
  countPieces(tokenizerJson, tokenizerConfig, weighted(texts, counts)),
  Number(options.pieces),
);
const studentJson = withVocabulary(tokenizerJson, pieces);
console.log(`${pieces.length} of ${Object.keys(tokenizerJson.model.vocab).length} word pieces are kept.`);

/** A BERT without its classifier. */
function modelOf(config: ModelConfig, isTrained: boolean): Model {
  const architecture = architectureOf(config, `${minilm}/config.json`);
  const parameters = [...declarationOf(architecture).parameters].filter(([name]) => !name.startsWith('classifier'));
  return { architecture, store: new ParameterStore(new Map(parameters), () => isTrained) };
}
const teacher = modelOf(folder.config, false);
const student = modelOf({ ...folder.config, vocab_size: pieces.length }, true);

const { files } = mapWeights(teacher.architecture, folder.weights.names());
for (const { name, weight } of teacher.store.parameters.values()) {
  await folder.weights.readInto(files.get(name)!, weight);
  if (name !== WORD_EMBEDDINGS) student.store.get(name).weight.set(weight);
}
await folder.weights.close();
const H = teacher.architecture.hiddenSize;
const table = teacher.store.get(WORD_EMBEDDINGS).weight;
const rows = student.store.get(WORD_EMBEDDINGS).weight;
pieces.forEach((piece, id) => {
  const from = tokenizerJson.model.vocab[piece]! * H;
  rows.set(table.subarray(from, from + H), id * H);
});
if (options.init) await startFrom(options.init);

/** Goes on from an earlier starter; pieces that it lacks keep the teacher's rows. */
async function startFrom(earlier: string): Promise<void> {
  const { weights } = await openModelFolder(earlier);
  const { vocab } = (await readJson<WordPieceFile>(join(earlier, 'tokenizer.json'))).model;
  for (const { name, weight } of student.store.parameters.values()) {
    const stored = name.replace(/^bert\./, '');
    if (name !== WORD_EMBEDDINGS) await weights.readInto(stored, weight);
    else {
      const old = new Float32Array(Object.keys(vocab).length * H);
      await weights.readInto(stored, old);
      pieces.forEach((piece, id) => {
        const from = vocab[piece];
        if (from !== undefined) weight.set(old.subarray(from * H, (from + 1) * H), id * H);
      });
    }
  }
  await weights.close();
}

const steps = Number(options.steps);
if (steps > 0) {
  const seed = Number(options.seed);
  const pairs = differingPairs(
    new Random(seed, 1).shuffle([...texts]),
    wordEncoder(tokenizerJson, tokenizerConfig),
    wordEncoder(studentJson, tokenizerConfig),
    64,
  );
  console.log(`${pairs.length} of ${texts.length} texts are split otherwise than by the whole vocabulary.`);
  await distil({
    teacher,
    student,
    executor: await createOnnxRuntimeExecutor(),
    training: pairs.slice(VALIDATION_TEXTS),
    validation: pairs.slice(0, VALIDATION_TEXTS),
    steps,
    learning_rate: Number(options['learning-rate']),
    batchSize: Number(options['batch-size']),
    layers: [2, 4, 6],
    sentenceWeight: Number(options['sentence-weight']),
    seed,
    log: (line) => console.log(line),
  });
}

const { _name_or_path: _, transformers_version: __, gradient_checkpointing: ___, ...config } = folder.config;
await mkdir(out, { recursive: true });
await saveModelFolder(out, {
  config: { ...config, vocab_size: pieces.length } as ModelConfig,
  tensors: [...student.store.parameters.values()].map(({ name, shape, weight }) => ({
    name: name.replace(/^bert\./, ''),
    shape,
    dtype: 'F16',
    data: weight,
  })),
});
const { name_or_path: ____, ...plainTokenizerConfig } = tokenizerConfig;
await writeFile(join(out, 'tokenizer.json'), `${JSON.stringify(studentJson)}\n`);
await writeFile(join(out, 'tokenizer_config.json'), `${JSON.stringify(plainTokenizerConfig, null, 2)}\n`);
await writeFile(join(out, 'special_tokens_map.json'), await readFile(join(minilm, 'special_tokens_map.json')));
await writeFile(join(out, 'vocab.txt'), `${pieces.join('\n')}\n`);
console.log(`${out} is written.`);
