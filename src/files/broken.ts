import { basename } from 'node:path';
import { errnoOf, isMissing } from './errno.ts';

/** A file or folder of ours that cannot be read: shown with its reason beside those that can. */
export interface Broken {
  /** Absolute. */
  path: string;
  /** A sentence: which file, and what is wrong with it. */
  problem: string;
}

export const isBroken = (node: object): node is Broken => 'path' in node && 'problem' in node;

/** Why a file could not be read, as a sentence. */
export function whyUnreadable(path: string, error: unknown): string {
  const name = basename(path);
  const code = errnoOf(error);
  if (error instanceof SyntaxError) return `${name} is damaged: it is not complete JSON.`;
  if (code === 'EACCES' || code === 'EPERM') return `${name} cannot be read: permission denied.`;
  if (isMissing(error)) return `${name} is missing.`;
  return `${name} cannot be read: ${(error as Error).message}.`.replace(/\.{2,}$/, '.');
}

export const isNewer = (path: string, format: number, known: number): string =>
  `${basename(path)} is from a newer version of Luthier (layout ${format}; this one knows ${known}).`;
