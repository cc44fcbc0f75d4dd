import type { LearnedCompletion } from '../../completions/learned.ts';
import { exists, listFolder } from '../../files/folders.ts';
import { uniqueName } from '../../files/names.ts';
import {
  DATASET_FORMAT,
  type DatasetRecord,
  FILE_CHOICE,
  type FileChoice,
  type FilesFound,
  formatBytes,
  type LanguageFiles,
  type LeftOut,
  type LeftOutReason,
  LuthierError,
  leftOutText,
  type OwnCompletions,
  type OwnFiles,
} from '../../protocol/index.ts';
import { pacer } from '../data/pace.ts';
import { datasetPath, type StoredRow, writeDataset } from '../data/store.ts';
import { heldOut } from './hold-out.ts';
import { isSuggested, languageOf, languageTitle } from './languages.ts';
import { type Learned, readLearned, tellsOf } from './learned.ts';
import { type OwnText, readFiles } from './read.ts';
import { clustersOf, sketchOf } from './similar.ts';
import { Tally } from './tally.ts';
import { type FoundFile, findFiles } from './walk.ts';

/** The task that files of one's own are learnt by. */
const TASK = 'text-generation';

/**
 * What a folder holds that a completion model could learn: languages with their files, and what is left out, with the
 * reasons. Nothing is read but names, sizes and git's rules.
 * @throws LuthierError `data-unreadable`, `data-invalid`, `cancelled`
 */
export async function surveyFiles(
  { folder, max_file_bytes = FILE_CHOICE.max_file_bytes }: Pick<FileChoice, 'folder' | 'max_file_bytes'>,
  signal?: AbortSignal,
): Promise<FilesFound> {
  const tally = new Tally();
  const files = fitting(await findFiles(folder, tally, pacer(signal)), max_file_bytes, tally);
  return { languages: byLanguage(files.map(({ path, bytes }) => ({ path, bytes }))), left_out: tally.list() };
}

export interface CollectOptions extends FileChoice {
  /** A `.luthier` folder; made when it is not there. */
  home: string;
  /** Of the dataset; numbered where it is taken. */
  name: string;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Makes a dataset of a folder's files: a row each, with its path as the id, some of them held out; secrets are masked.
 * With `completions`, those that a person has accepted or replaced are rows, too, each with the text in front of it as its
 * prompt; some that were accepted are held out, as test rows, and files that tell of these are left out.
 * @throws LuthierError as surveyFiles and createDataset; `data-invalid` where fewer than two files can be learnt from
 */
export async function collectFiles(options: CollectOptions): Promise<OwnFiles> {
  const { folder, languages: wanted, home, name, signal } = options;
  const { max_file_bytes, max_bytes, seed } = { ...FILE_CHOICE, ...stated(options) };
  const tally = new Tally();
  const pace = pacer(signal);
  const learned = options.completions === undefined ? null : await readLearned(options.completions, seed);
  const found = fitting(await findFiles(folder, tally, pace), max_file_bytes, tally);
  const isWanted = (language: string) => (wanted ? wanted.includes(language) : isSuggested(language));
  const chosen = found.filter(({ path }) => {
    const is = isWanted(languageOf(nameOf(path))!);
    if (!is) tally.file('unchosen', path);
    return is;
  });
  const tells = tellsOf(learned?.heldOut ?? []);
  const {
    texts: read,
    masked,
    encodings,
  } = await readFiles(
    chosen,
    { folder, seed, max_bytes },
    { tally, pace, onProgress: (done) => options.onProgress?.(done, chosen.length) },
  );
  const texts = read.filter((one) => {
    const is = tells(one);
    if (is) tally.file('held-out', one.path);
    return !is;
  });
  const most = { max_bytes, max_file_bytes };
  if (texts.length < 2) throw tooFew(folder, texts.length, tally.list(), most);
  const sketches: Float64Array[] = [];
  for (const { text } of texts) {
    await pace();
    sketches.push(sketchOf(text));
  }
  const heads = clustersOf(sketches).map((first) => texts[first]!.path);
  const clusters = new Map(texts.map(({ path }, i) => [path, heads[i]!]));
  const held_out = heldOut(clusters, seed);
  if (held_out.validation.length === 0 || new Set(heads).size < 2) {
    throw new LuthierError(
      'data-invalid',
      `All files of ${folder} that can be learnt from are nearly the same, so that none can be held out.`,
      remedy(tally.list(), most) ?? 'Choose more languages, or another folder.',
    );
  }
  const rows: StoredRow[] = texts.map(({ path: id, text }) => ({ id, text, group: clusters.get(id)! }));
  const completions = learned && completionRows(learned, new Set([...held_out.validation, ...held_out.test]));
  const { path, record } = await write([...rows, ...(completions?.rows ?? [])], {
    ...{ folder, home, name, isMixed: completions !== null },
    splits: { ...held_out, test: [...held_out.test, ...(completions?.heldOut ?? [])] },
  });
  return {
    ...{ path, record, languages: byLanguage(sized(texts)), left_out: tally.list(), masked, held_out, encodings },
    similar: similarOf(clusters),
    bytes: sized(texts).reduce((sum, { bytes }) => sum + bytes, 0),
    ...(completions && { completions: completions.counts }),
  };
}

/** Rows of completions, behind those of files. Nothing is learnt of a file that is held out, nor of its completions. */
function completionRows(
  { train, heldOut, left, broken }: Learned,
  files: ReadonlySet<string>,
): { rows: StoredRow[]; heldOut: string[]; counts: OwnCompletions } {
  const learnt = train.filter(({ file }) => file === undefined || !files.has(file));
  // Its name is one that no file has.
  const idOf = ({ id }: LearnedCompletion) => `completion:${id}`;
  const rowOf = (row: LearnedCompletion): StoredRow => ({
    ...{ id: idOf(row), text: row.completion, group: idOf(row) },
    ...(row.prompt.trim() !== '' && { prompt: row.prompt }),
  });
  return {
    rows: [...learnt, ...heldOut].map(rowOf),
    heldOut: heldOut.map(idOf),
    counts: {
      ...{ learnt: learnt.length, held_out: heldOut.length },
      ...{ left_out: left.length + train.length - learnt.length, broken },
    },
  };
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** What was said; a key that is undefined was not. */
const stated = ({ max_file_bytes, max_bytes, seed }: FileChoice) => ({
  ...(max_file_bytes !== undefined && { max_file_bytes }),
  ...(max_bytes !== undefined && { max_bytes }),
  ...(seed !== undefined && { seed }),
});

const sized = (texts: readonly OwnText[]): FoundFile[] =>
  texts.map(({ path, text }) => ({ path, bytes: Buffer.byteLength(text) }));

function fitting(files: readonly FoundFile[], most: number, tally: Tally): FoundFile[] {
  return files.filter(({ path, bytes }) => {
    const reason = bytes === 0 ? 'empty' : bytes > most ? 'large' : null;
    if (reason) tally.file(reason, path);
    return reason === null;
  });
}

function byLanguage(files: readonly FoundFile[]): LanguageFiles[] {
  const found = new Map<string, LanguageFiles>();
  for (const { path, bytes } of files) {
    const language = languageOf(nameOf(path))!;
    const one = found.get(language) ?? {
      ...{ language, title: languageTitle(language), files: 0, bytes: 0 },
      suggested: isSuggested(language),
    };
    one.files++;
    one.bytes += bytes;
    found.set(language, one);
  }
  return [...found.values()].sort((a, b) => b.bytes - a.bytes || (a.language < b.language ? -1 : 1));
}

function similarOf(clusters: ReadonlyMap<string, string>): string[][] {
  const members = new Map<string, string[]>();
  for (const [path, head] of clusters) members.set(head, [...(members.get(head) ?? []), path]);
  return [...members.values()].filter(({ length }) => length > 1);
}

type Most = Required<Pick<FileChoice, 'max_bytes' | 'max_file_bytes'>>;

/** What a person chose that leaves files out, the likeliest cause first, and what to choose instead. */
const REMEDIES: readonly [LeftOutReason, (most: Most) => string][] = [
  [
    'beyond',
    ({ max_bytes }) =>
      `Ask for more text than ${formatBytes(max_bytes)}, which has no room for a second file (--max-bytes in a terminal).`,
  ],
  ['unchosen', () => 'Choose more languages.'],
  [
    'large',
    ({ max_file_bytes }) => `Allow files of more than ${formatBytes(max_file_bytes)} (--max-file-bytes in a terminal).`,
  ],
];

function remedy(leftOut: readonly LeftOut[], most: Most): string | undefined {
  const found = REMEDIES.find(([reason]) => leftOut.some((one) => one.reason === reason));
  return found?.[1](most);
}

function tooFew(folder: string, count: number, leftOut: readonly LeftOut[], most: Most): LuthierError {
  // What a person can change goes before what is so.
  const rank = ({ reason, files, folders }: LeftOut) => {
    const at = REMEDIES.findIndex(([one]) => one === reason);
    return [at < 0 ? REMEDIES.length : at, -files - folders] as const;
  };
  const sorted = [...leftOut].sort((a, b) => {
    const [[rankA, countA], [rankB, countB]] = [rank(a), rank(b)];
    return rankA - rankB || countA - countB;
  });
  const why = sorted.slice(0, 3).map(leftOutText);
  return new LuthierError(
    'data-invalid',
    `${folder} has ${count === 0 ? 'no file' : 'a single file'} to learn from${why.length > 0 ? `: ${why.join('; ')}` : ''}.`,
    remedy(leftOut, most) ?? 'Open a folder with at least two files that you wrote: one of them is held out.',
  );
}

const DATASETS = 'datasets';

interface WriteOptions {
  folder: string;
  home: string;
  name: string;
  /** Some rows have prompts. */
  isMixed: boolean;
  splits: { validation: string[]; test: string[] };
}

/** Another window may make one of the same name at the same moment: then the next name is taken. */
async function write(
  rows: readonly StoredRow[],
  { folder, home, name: wanted, isMixed, splits }: WriteOptions,
): Promise<{ path: string; record: DatasetRecord }> {
  for (;;) {
    const taken = (await listFolder(`${home}/${DATASETS}`)).map((entry) => entry.name);
    const name = uniqueName(wanted, taken);
    const path = await datasetPath(home, name);
    const record: DatasetRecord = {
      ...{ format: DATASET_FORMAT, name, created_at: new Date().toISOString(), task: TASK },
      source: { file: folder, first_line: 1, last_line: 1, paths: true },
      ...{ columns: { text: 'text', ...(isMixed && { prompt: 'prompt' }), group: 'group' } },
      ...{ rows: rows.length, labels: [] },
    };
    try {
      await writeDataset(path, record, rows.length, (from, to) => rows.slice(from, to), splits);
      return { path, record };
    } catch (error) {
      if (!(await exists(path)) || taken.includes(name)) throw error;
    }
  }
}
