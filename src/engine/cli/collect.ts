import { join, resolve } from 'node:path';
import { listFolder } from '../../files/folders.ts';
import { uniqueName } from '../../files/names.ts';
import { shellQuoted } from '../../files/shell.ts';
import { writeJson } from '../../files/write-file.ts';
import { HOME } from '../../guard/index.ts';
import {
  counted,
  FILE_CHOICE,
  type FilesFound,
  formatBytes,
  heldOutText,
  LuthierError,
  leftOutText,
  maskedText,
  type OwnFiles,
  ownCompletionsText,
  similarText,
} from '../../protocol/index.ts';
import { nearest, orMeant } from '../../protocol/nearest.ts';
import { collectFiles, surveyFiles } from '../collect/collect.ts';
import { languages } from '../collect/languages.ts';
import { resolveModel } from '../hub/resolve.ts';
import { recipeForFiles } from '../recipes/own-files.ts';
import { bold, dim, EXIT, note, print, printJson, table, yellow } from './output.ts';
import { ProgressLine } from './progress-line.ts';
import { shortPath } from './run-names.ts';

export interface CollectCommandOptions {
  language?: string[];
  name: string;
  /** As they were typed. */
  maxFileBytes?: string;
  maxBytes?: string;
  completions?: string;
  seed?: string;
  model: string;
  survey?: boolean;
  json?: boolean;
}

const RECIPE_SUFFIX = '.recipe.json';

export async function collect(folder: string, options: CollectCommandOptions): Promise<number> {
  const base = resolve(folder);
  const choice = {
    folder: base,
    max_file_bytes: whole('--max-file-bytes', options.maxFileBytes, FILE_CHOICE.max_file_bytes),
    max_bytes: whole('--max-bytes', options.maxBytes, FILE_CHOICE.max_bytes),
    seed: whole('--seed', options.seed, FILE_CHOICE.seed),
    ...(options.language && { languages: known(options.language) }),
    ...(options.completions !== undefined && { completions: resolve(options.completions) }),
  };
  if (options.survey) {
    const found = await surveyFiles(choice);
    if (options.json) printJson(found);
    else show(found);
    return EXIT.done;
  }
  // Before anything is made of the files.
  await resolveModel(options.model, { base });
  const progress = new ProgressLine('Reading');
  const made = await collectFiles({
    ...choice,
    ...{ home: join(base, HOME), name: options.name },
    onProgress: (done, total) => progress.update(done, total),
  }).finally(() => progress.close());
  const { record, bytes } = made;
  const { name: dataset, rows } = record;
  const recipe = await recipeForFiles({ model: options.model, base, dataset, rows, bytes });
  const taken = (await listFolder(base)).map(({ name }) => name.replace(RECIPE_SUFFIX, ''));
  const path = join(base, `${uniqueName(record.name, taken)}${RECIPE_SUFFIX}`);
  await writeJson(path, recipe);
  if (options.json) printJson({ ...made, recipe: path });
  else {
    show(made);
    tell(made);
    print(`\nThe dataset is ${made.path}.`);
    print(`The recipe is ${path}. To train it: ${bold(`luthier train ${shellQuoted(shortPath(path))}`)}`);
  }
  return EXIT.done;
}

/** @throws LuthierError `usage` */
function whole(option: string, typed: string | undefined, otherwise: number): number {
  if (typed === undefined) return otherwise;
  const value = Number(typed);
  if (Number.isSafeInteger(value) && value >= 0 && typed.trim() !== '') return value;
  throw new LuthierError('usage', `${option} is ${typed}; it must be a whole number.`);
}

/** @throws LuthierError `usage` for a language that there is not */
function known(wanted: readonly string[]): string[] {
  const all = languages();
  const chosen = wanted.flatMap((one) => one.split(',').map((id) => id.trim().toLowerCase()));
  const wrong = chosen.find((id) => !all.includes(id));
  if (wrong !== undefined)
    throw new LuthierError(
      'usage',
      `There is no language “${wrong}”${orMeant(nearest(wrong, all, 2))}`,
      `Languages are ${all.join(', ')}.`,
    );
  return chosen;
}

function show({ languages: found, left_out }: FilesFound): void {
  if (found.length === 0) print('There are no files to learn from.');
  else {
    const rows = found.map(({ title, files, bytes }) => [title, String(files), formatBytes(bytes)]);
    print(table(['language', 'files', 'size'], rows, [1, 2]));
  }
  if (left_out.length > 0) print(`\n${bold('Left out')}`);
  for (const one of left_out)
    print(`${leftOutText(one)} ${dim(`(${examples(one.examples, one.files + one.folders)})`)}`);
}

function tell(made: OwnFiles): void {
  print(`\n${bold('Learnt from')}`);
  const files = made.languages.reduce((sum, one) => sum + one.files, 0);
  print(`${counted(files, 'file')}, ${formatBytes(made.bytes)}. ${heldOutText(made)}`);
  if (made.completions) print(ownCompletionsText(made.completions));
  if (made.completions && made.completions.broken > 0)
    print(
      yellow(
        `${counted(made.completions.broken, 'line')} of the completions cannot be read and ${made.completions.broken === 1 ? 'is' : 'are'} skipped.`,
      ),
    );
  if (made.masked.length > 0) print(yellow(maskedText(made.masked)));
  if (made.similar.length > 0) print(similarText(made.similar));
  for (const { encoding, files } of made.encodings)
    note(`${counted(files, 'file')} ${files === 1 ? 'is' : 'are'} read as ${encoding}.`);
  if (made.left_out.some(({ reason }) => reason === 'beyond'))
    note(dim('--max-bytes N learns from more text, and takes longer.'));
}

const examples = (paths: readonly string[], of: number): string =>
  `${paths.join(', ')}${of > paths.length ? ', …' : ''}`;
