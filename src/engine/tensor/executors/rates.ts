import { mkdir, readFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, platform } from 'node:os';
import { dirname } from 'node:path';
import { writeJson } from '../../../files/write-file.ts';
import { cacheFolder } from '../../cache-folder.ts';
import { VERSION } from '../../version.ts';
import type { CardFailure } from './card-failure.ts';
import type { Executor } from './executor.ts';

/** Widths at which models of a size are measured. */
const WIDTHS = { small: 384, base: 768, large: 1024 } as const;
export type SizeClass = keyof typeof WIDTHS;

/** Size class of a model with this hidden_size. */
export const sizeClassOf = (hiddenSize: number): SizeClass =>
  hiddenSize <= 512 ? 'small' : hiddenSize <= 896 ? 'base' : 'large';
export const widthOf = (size: SizeClass): number => WIDTHS[size];

/** Gflop/s by backend. */
export type Rates = Partial<Record<Executor['name'], number>>;

/** What `auto` remembers of a machine with these libraries. */
export interface Remembered {
  /** By size class, and when each was last measured. */
  sizes: Partial<Record<SizeClass, { rates: Rates; measured: string }>>;
  /** There while the graphics card is not known to work. */
  failure?: CardFailure;
}

type MemoryFile = Record<string, Remembered>;

/** File that remembers what was measured. */
const memoryFile = () => cacheFolder('backends.json');

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
export async function readRemembered(library: string): Promise<Remembered> {
  return rememberedIn(await readAll(), library);
}

function rememberedIn(all: MemoryFile, library: string): Remembered {
  const found = all[machineKey(library)];
  return isRecord(found) && isRecord(found.sizes) ? found : { sizes: {} };
}

export const readRates = async (library: string, size: SizeClass): Promise<Rates> =>
  (await readRemembered(library)).sizes[size]?.rates ?? {};

/** Remembers rates beside those known. */
export const rememberRates = (library: string, size: SizeClass, rates: Rates): Promise<void> =>
  change(library, ({ sizes, ...rest }) => ({
    ...rest,
    sizes: {
      ...sizes,
      [size]: { rates: { ...sizes[size]?.rates, ...rates }, measured: new Date().toISOString() },
    },
  }));

/** Remembers that the card was tried just now and does not work. */
export const rememberFailure = (library: string, failed: Pick<CardFailure, 'reason' | 'drivers'>): Promise<void> =>
  change(library, ({ failure, ...rest }) => {
    const tried = new Date().toISOString();
    return { ...rest, failure: { since: failure?.since ?? tried, tried, ...failed } };
  });

export const forgetFailure = (library: string): Promise<void> => change(library, ({ sizes }) => ({ sizes }));

/** What cannot be written is measured again next time: no one is stopped by it. */
async function change(library: string, to: (known: Remembered) => Remembered): Promise<void> {
  const all = await readAll();
  const next: MemoryFile = { ...all, [machineKey(library)]: to(rememberedIn(all, library)) };
  const file = memoryFile();
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeJson(file, next);
  } catch {
    // As said above.
  }
}

const isRecord = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

async function readAll(): Promise<MemoryFile> {
  try {
    const value: unknown = JSON.parse(await readFile(memoryFile(), 'utf8'));
    return isRecord(value) ? (value as MemoryFile) : {};
  } catch {
    return {};
  }
}
