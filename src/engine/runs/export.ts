import { copyFile, lstat, mkdir, readdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { diskUse } from '../../files/folders.ts';
import { writeError } from '../../files/write-file.ts';
import { homeProblem, placeProblem } from '../../guard/index.ts';
import { LuthierError } from '../../protocol/index.ts';
import { requireDiskBytes } from '../hub/disk.ts';
import { modelFiles, openModelFolder } from '../hub/model-folder.ts';
import { createPredictor } from '../infer/predictor.ts';
import { type Difference, differenceOf, isSame } from '../model-files/same-answers.ts';
import { requireNone } from './folder.ts';

export interface Exported {
  /** The folder, or the ONNX file in it. */
  path: string;
  bytes: number;
  /** Largest difference of a logit between the run's model and what was written. */
  max_difference: number;
  /** Names in the model's folder that belong to no model, and were not copied. */
  left_out: string[];
  /** What should be said of what was written. */
  note?: string;
}

/** Any text will do: what is compared is the arithmetic. */
const PROBES = ['Yes.', 'It arrived a day early, and it works.', 'Why was I charged twice? Please write back.'];

/**
 * Writes a trained model somewhere else, or as ONNX beside its safetensors, and checks that it answers alike.
 * @param out a new or empty folder; by default the model's own, where a Hugging Face folder already stands
 * @throws LuthierError `usage` when `out` is not empty, `export-mismatch`, `disk-full`, `not-writable`
 */
export async function exportModel(model: string, format: 'safetensors' | 'onnx', out?: string): Promise<Exported> {
  const target = out === undefined ? model : resolve(out);
  // Beside the run's own model: where that is a link, it would be written into somebody else's folder.
  if (target === model) requireNone((await placeProblem(dirname(model))) ?? (await homeProblem(model, 'onnx')));
  if (format === 'onnx') await refusePromptInOnnx(model);
  const left_out = target === model ? [] : await copyModel(model, target);
  if (format === 'onnx') {
    const { exportFolderAsOnnx } = await import('../model-files/export-onnx.ts');
    // What lies in onnx/ is not left out: it is written again.
    return { ...(await exportFolderAsOnnx(target)), left_out: left_out.filter((name) => name !== 'onnx') };
  }
  const difference = target === model ? undefined : await compare(model, target);
  if (difference && !isSame(difference)) {
    throw new LuthierError(
      'export-mismatch',
      `${target} and ${model} give different answers: a logit differs by ${difference.max_difference.toExponential(2)}.`,
      'The disk may be faulty. The run’s model is unchanged.',
    );
  }
  return { path: target, bytes: await diskUse(target), max_difference: difference?.max_difference ?? 0, left_out };
}

/** Copies the files that make a model, and nothing else that may lie beside them. @returns names of the rest */
async function copyModel(model: string, target: string): Promise<string[]> {
  const names = await readdir(target).catch(() => []);
  if (names.length > 0) {
    throw new LuthierError('usage', `${target} is not empty.`, 'Use --out to name a new or empty folder.');
  }
  const files = await modelFiles(model);
  const sizes = await Promise.all(files.map((name) => sizeOf(model, name)));
  const bytes = sizes.reduce((a, b) => a + b, 0);
  await requireDiskBytes(target, bytes, 'The exported model');
  const isNew = await stat(target).then(
    () => false,
    () => true,
  );
  try {
    await mkdir(target, { recursive: true });
    for (const name of files) await mkdir(dirname(join(target, name)), { recursive: true });
    for (const name of files) await copyFile(join(model, name), join(target, name));
  } catch (error) {
    // What was not made cannot be taken away, and why not is the error that is told.
    if (isNew) await rm(target, { recursive: true, force: true }).catch(() => undefined);
    throw writeError(target, error);
  }
  const copied = new Set(files.map((name) => name.split(/[\\/]/)[0]));
  return (await readdir(model)).filter((name) => !copied.has(name)).sort();
}

/**
 * Size of a file that is to be copied. A model that came with a repository may hold links to files that are nobody
 * else's business, which would be published with it, and pipes that nobody writes to; of links only those that the
 * Hugging Face cache makes are followed.
 * @throws LuthierError `model-invalid`
 */
async function sizeOf(model: string, name: string): Promise<number> {
  const path = join(model, name);
  const own = await lstat(path);
  const isInside = dirname(path) === resolve(model) || (await lstat(dirname(path))).isDirectory();
  if (!isInside) throw leadsOut(dirname(path), true);
  if (own.isSymbolicLink()) {
    const blobs = await realpath(join(model, '..', '..', 'blobs')).catch(() => null);
    const target = await realpath(path).catch(() => path);
    const status = await stat(target).catch(() => null);
    if (blobs !== null && dirname(target) === blobs && status?.isFile()) return status.size;
  } else if (own.isFile()) return own.size;
  throw leadsOut(path, own.isSymbolicLink());
}

const leadsOut = (path: string, isLink: boolean): LuthierError =>
  new LuthierError(
    'model-invalid',
    `${path} is ${isLink ? 'a link that leads out of the model' : 'not a file'}, so nothing was copied.`,
    'Put the file itself there, or take it away.',
  );

/**
 * The graph's inputs are a text's tokens; a prompt in front of them has no place there.
 * @throws LuthierError `model-unsupported`
 */
async function refusePromptInOnnx(model: string): Promise<void> {
  const folder = await openModelFolder(model);
  await folder.weights.close();
  if (!folder.prompt) return;
  throw new LuthierError(
    'model-unsupported',
    `${model} reads a prompt that was learnt in front of each text, and Luthier writes no such model as ONNX.`,
    'Ask it in Luthier, or in Python with peft (its README.md shows how). For ONNX, train with strategy "lora", whose adapters become part of the weights.',
  );
}

async function compare(model: string, target: string): Promise<Difference> {
  const [expected, actual] = [await logitsOf(model), await logitsOf(target)];
  return differenceOf(actual, expected);
}

async function logitsOf(folder: string): Promise<Float32Array> {
  const predictor = await createPredictor(folder);
  try {
    const { encodings } = predictor.tokenizer.encodeAll(PROBES, predictor.maxLength);
    return await predictor.run(encodings);
  } finally {
    predictor.dispose();
  }
}
