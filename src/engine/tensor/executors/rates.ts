import { mkdir, readFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, platform } from 'node:os';
import { dirname } from 'node:path';
import { writeJson } from '../../../files/write-file.ts';
import { cacheFolder } from '../../cache-folder.ts';
import { VERSION } from '../../version.ts';
import type { Executor } from './executor.ts';

/** Widths at which models of a size are measured. */
const WIDTHS = { small: 384, base: 768, large: 1024 } as const;
export type SizeClass = keyof typeof WIDTHS;

/** Size class of a model with this hidden_size. */
export const sizeClassOf = (hiddenSize: number): SizeClass =>
  hiddenSize <= 512 ? 'small' : hiddenSize <= 896 ? 'base' : 'large';
export const widthOf = (size: SizeClass): number => WIDTHS[size];

/** Gflop/s by backend; null where it was found to be unusable. */
export type Rates = Partial<Record<Executor['name'], number | null>>;

/** Rates by machine and libraries, then by size class. */
type RatesFile = Record<string, Partial<Record<SizeClass, Rates>>>;

/** File that remembers what was measured. */
const ratesFile = () => cacheFolder('backends.json');

/** A new processor, onnxruntime or Luthier is measured anew. */
const machineKey = (library: string) =>
  [
    cpus()[0]?.model ?? 'unknown',
    `${availableParallelism()} threads`,
    `${platform()} ${arch()}`,
    library,
    VERSION,
  ].join(' | ');

/** What is remembered of this machine; empty when nothing is, or nothing that can be read. */
export async function readRates(library: string, size: SizeClass): Promise<Rates> {
  return (await readAll())[machineKey(library)]?.[size] ?? {};
}

/** Remembers rates beside those known. What cannot be written is measured again next time: no one is stopped by it. */
export async function rememberRates(library: string, size: SizeClass, rates: Rates): Promise<void> {
  const all = await readAll();
  const key = machineKey(library);
  const machine = all[key] ?? {};
  const next: RatesFile = { ...all, [key]: { ...machine, [size]: { ...machine[size], ...rates } } };
  const file = ratesFile();
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeJson(file, next);
  } catch {
    // As said above.
  }
}

async function readAll(): Promise<RatesFile> {
  try {
    const value: unknown = JSON.parse(await readFile(ratesFile(), 'utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as RatesFile) : {};
  } catch {
    return {};
  }
}
