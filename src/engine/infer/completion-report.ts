import {
  type BitsCompared,
  type CompletionReport,
  type DatasetReference,
  LuthierError,
  type Note,
} from '../../protocol/index.ts';
import { loadEvaluation } from '../data/dataset.ts';
import { resolveDataset } from '../data/resolve.ts';
import { type OpenModel, openModel } from '../model-files/open-model.ts';
import { textGeneration } from '../tasks/text-generation/task.ts';
import { bitsPerByte, type Foretold, foretold, pairedInterval } from './compare-texts.ts';
import { shareCompleter } from './completer.ts';
import { predictorOf } from './predictor.ts';
import { type ReplayFile, replay } from './replay.ts';

/** Tokens that both models see at once. */
const LENGTH = 512;

export interface CompletionReportOptions {
  /** Folders of the trained model, and of the one that it began with. */
  model: string;
  base: string;
  /** As people know the latter. */
  baseName: string;
  dataset: DatasetReference;
  /** Folder that it is looked up from. */
  from: string;
  /** Lines that are typed again. */
  lines: number;
  seed: number;
  note: Note;
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * How a model completes the held-out files of its dataset, beside the model that it began with: bits by byte, and what
 * suggestions would have saved in typing some of their lines. The test files where there are some, which no training
 * has looked at.
 * @throws LuthierError `data-invalid` where the dataset holds out none by name; else as openModel and loadEvaluation
 */
export async function completionReport(options: CompletionReportOptions): Promise<CompletionReport> {
  const { model, base, baseName, dataset, from, lines, seed, note, signal } = options;
  const { parts, columns } = await resolveDataset(dataset, from, { takesFolders: true });
  const read = async (part: 'test' | 'validation') => {
    if (!parts[part]) return [];
    const loaded = await loadEvaluation(textGeneration, dataset, { base: from, labels: [], split: part, signal });
    return loaded.examples;
  };
  const test = await read('test');
  // Beside files there may be completions that a person accepted, with the text in front of them.
  const isMixed = columns.text !== undefined && columns.prompt !== undefined;
  const accepted = isMixed ? test.filter(({ prompt }) => prompt !== undefined) : [];
  const files = test.filter((row) => !accepted.includes(row));
  const split = files.length > 0 ? 'test' : 'validation';
  const rows = split === 'test' ? files : await read('validation');
  if (rows.length === 0) {
    throw new LuthierError(
      'data-invalid',
      'The dataset of this run names no files that are held out.',
      'Measure a run of Fine-tune on My Files (luthier data collect).',
    );
  }
  const measured = async (folder: string, done: number) => {
    const open = await openModel(folder, 'auto', note, () => textGeneration);
    try {
      return {
        each: await foretell(open, rows, signal),
        accepted: accepted.length > 0 ? await foretell(open, accepted, signal) : [],
        replay: await replayWith(open, rows, { lines, seed, signal }, (n) => options.onProgress?.(done + n, 2 * lines)),
      };
    } finally {
      open.dispose();
    }
  };
  const before = await measured(base, 0);
  const after = await measured(model, lines);
  return {
    ...{ format: 1, created_at: new Date().toISOString(), base: baseName, split, files: rows.length, seed },
    bits_per_byte: compared(before.each, after.each),
    replay: { base: before.replay, model: after.replay },
    ...(accepted.length > 0 && {
      accepted: { rows: accepted.length, bits_per_byte: compared(before.accepted, after.accepted) },
    }),
  };
}

const compared = (before: readonly Foretold[], after: readonly Foretold[]): BitsCompared => ({
  ...{ base: bitsPerByte(before), model: bitsPerByte(after) },
  interval: pairedInterval(before, after),
});

async function foretell(
  open: OpenModel,
  rows: Parameters<typeof textGeneration.encode>[0],
  signal: AbortSignal | undefined,
): Promise<Foretold[]> {
  const { items } = textGeneration.encode(rows, open.tokenizer, Math.min(LENGTH, open.model.architecture.maxPositions));
  const { losses } = await predictorOf(open).measure(items, undefined, signal);
  return foretold(rows.length, items, losses!);
}

async function replayWith(
  open: OpenModel,
  files: readonly ReplayFile[],
  { lines, seed, signal }: Pick<CompletionReportOptions, 'lines' | 'seed' | 'signal'>,
  onProgress: (done: number) => void,
) {
  const completer = await shareCompleter(open.path, async () => open);
  return await replay(files, (request) => completer.complete({ ...request, model: open.path }, signal), {
    ...{ lines, seed, onProgress },
  });
}
