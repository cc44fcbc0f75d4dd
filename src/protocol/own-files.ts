import type { DatasetRecord } from './dataset.ts';
import { counted } from './figures.ts';

/** Why a file is not learnt from, in the order in which it is asked. */
export const LEFT_OUT = {
  link: ['is a link', 'are links'],
  folder: ['lies in a folder of tools or packages', 'lie in folders of tools or packages'],
  ignored: ['is ignored by git', 'are ignored by git'],
  secret: ['may hold secrets', 'may hold secrets'],
  lock: ['is a lock file', 'are lock files'],
  language: ['is in no language that completions are made for', 'are in no language that completions are made for'],
  unchosen: ['is in a language that was not chosen', 'are in languages that were not chosen'],
  generated: ['was generated or minified', 'were generated or minified'],
  empty: ['is empty', 'are empty'],
  large: ['is too large', 'are too large'],
  unreadable: ['cannot be read', 'cannot be read'],
  binary: ['is no text', 'are no texts'],
  encoding: ['has an encoding that is not certain', 'have encodings that are not certain'],
  changed: ['changed while it was read', 'changed while they were read'],
  repeated: ['has the same text as another', 'have the same texts as others'],
  'held-out': ['has a completion that is held out', 'have completions that are held out'],
  beyond: ['is beyond the amount of text that was asked for', 'are beyond the amount of text that was asked for'],
} as const satisfies Record<string, readonly [one: string, many: string]>;

export type LeftOutReason = keyof typeof LEFT_OUT;

/** Files that are not learnt from, for one reason. */
export interface LeftOut {
  reason: LeftOutReason;
  files: number;
  /** Of these, folders that were not looked into. */
  folders: number;
  /** A few of them, relative to the folder. */
  examples: string[];
}

/** “3 files are ignored by git”. What was not looked into counts as a folder. */
export function leftOutText({ reason, files, folders }: LeftOut): string {
  const what = [
    ...(files > 0 ? [counted(files, 'file')] : []),
    ...(folders > 0 ? [`${counted(folders, 'folder')} with all ${folders === 1 ? 'its' : 'their'} files`] : []),
  ].join(' and ');
  if (reason === 'folder' && files === 0)
    return `${counted(folders, 'folder')} of tools or packages ${folders === 1 ? 'was' : 'were'} not looked into`;
  return `${what} ${LEFT_OUT[reason][files + folders === 1 ? 0 : 1]}`;
}

/** A language as VS Code calls it, with the files of it that can be learnt from. */
export interface LanguageFiles {
  /** VS Code's identifier, such as `typescript`. */
  language: string;
  title: string;
  files: number;
  bytes: number;
  /** Whether people write it, rather than programs: what is learnt where nothing is chosen. */
  suggested: boolean;
}

/** What a folder holds, before anything of it is read. */
export interface FilesFound {
  /** The most text first. */
  languages: LanguageFiles[];
  left_out: LeftOut[];
}

/** What is taken where nothing is said: a file of at most a quarter, and in all 1 MB, some minutes of training. */
export const FILE_CHOICE = { max_file_bytes: 256 * 1024, max_bytes: 1024 * 1024, seed: 42 } as const;

/** Which files of a folder are learnt from, and how much of them. */
export interface FileChoice {
  /** Absolute. */
  folder: string;
  /** Those that are suggested where it is left out. */
  languages?: string[];
  /** Larger files are left out. */
  max_file_bytes?: number;
  /** Of all together; files are drawn by the seed until it is reached. */
  max_bytes?: number;
  seed?: number;
  /** File of completions that a person has accepted or replaced, which are learnt, too (`learned.jsonl`). */
  completions?: string;
}

export interface MaskedKind {
  /** As people read it: “private key”, “GitHub PAT”. */
  name: string;
  count: number;
  files: number;
}

/** A dataset made of a person's own files. */
export interface OwnFiles {
  /** The dataset's folder. */
  path: string;
  record: DatasetRecord;
  languages: LanguageFiles[];
  left_out: LeftOut[];
  masked: MaskedKind[];
  /** Groups of files that are nearly the same; they are learnt, or held out, together. */
  similar: string[][];
  /** Files that are held out, relative to the folder; `test` is empty where there are few. */
  held_out: { validation: string[]; test: string[] };
  /** Read in another encoding than UTF-8, with how many files. */
  encodings: { encoding: string; files: number }[];
  bytes: number;
  /** Where completions are learnt, too. */
  completions?: OwnCompletions;
}

/** Completions among what is learnt. */
export interface OwnCompletions {
  learnt: number;
  /** Accepted ones that nothing is learnt from. */
  held_out: number;
  /** Those that would tell of what is held out: on the same lines, or in files that are. */
  left_out: number;
  /** Lines of their file that cannot be read. */
  broken: number;
}

/** “14 completions are learnt and 4 that you accepted are held out; 2 that tell of what is held out are left out.” */
export function ownCompletionsText({ learnt, held_out, left_out }: OwnCompletions): string {
  const out =
    left_out === 0
      ? ''
      : `; ${left_out} that ${left_out === 1 ? 'tells' : 'tell'} of what is held out ${left_out === 1 ? 'is' : 'are'} left out`;
  return `${counted(learnt, 'completion')} ${learnt === 1 ? 'is' : 'are'} learnt and ${held_out} that you accepted ${held_out === 1 ? 'is' : 'are'} held out${out}.`;
}

/** “12 files are held out for validation and 11 for the test.” */
export function heldOutText({ held_out: { validation, test } }: Pick<OwnFiles, 'held_out'>): string {
  const all = validation.length + test.length;
  const forTest = test.length > 0 ? ` and ${test.length} for the test` : '';
  return `${counted(validation.length, 'file')} ${all === 1 ? 'is' : 'are'} held out for validation${forTest}.`;
}

/** “3 secrets are masked: 2 GitHub PAT, 1 private key.” */
export function maskedText(masked: readonly MaskedKind[]): string {
  const all = masked.reduce((sum, { count }) => sum + count, 0);
  const kinds = masked.map(({ name, count }) => `${count.toLocaleString('en')} ${name}`);
  return `${counted(all, 'secret')} ${all === 1 ? 'is' : 'are'} masked: ${kinds.join(', ')}.`;
}

/** “4 files are nearly the same as others (a.ts, b.ts); they are learnt, or held out, together.” */
export function similarText(similar: readonly string[][]): string {
  const files = similar.reduce((sum, { length }) => sum + length, 0);
  const first = similar[0]!.slice(0, 3).join(', ');
  return `${counted(files, 'file')} are nearly the same as others (${first}${files > 3 ? ', …' : ''}); such files are learnt, or held out, together.`;
}
