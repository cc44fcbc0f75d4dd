import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { wholeMemory } from '../../free-memory.ts';

/** A graphics card whose memory is known. */
export interface Card {
  name: string;
  bytes: number;
}

const PATIENCE_MS = 5_000;
const MIB = 2 ** 20;

/**
 * Graphics cards of this machine and their memory, as far as it can be known without native code: WebGPU does not tell
 * it. NVIDIA's driver comes with a program that does, Linux's driver for AMD's cards has it in a file, and Apple's share the
 * machine's memory. Empty where none of them says. (LUTHIER_TEST_CARD_SIZE is one of so many bytes, for tests.)
 */
export async function graphicsCards(): Promise<Card[]> {
  const given = Number(process.env.LUTHIER_TEST_CARD_SIZE);
  if (given > 0) return [{ name: 'The card of a test', bytes: given }];
  if (process.platform === 'darwin')
    return process.arch === 'arm64' ? [{ name: 'Apple silicon', bytes: wholeMemory() }] : [];
  const [nvidia, amd] = await Promise.all([nvidiaCards(), amdCards()]);
  return [...nvidia, ...amd];
}

async function nvidiaCards(): Promise<Card[]> {
  const asked = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', asked, { timeout: PATIENCE_MS, windowsHide: true });
    return parseNvidiaSmi(stdout);
  } catch {
    return [];
  }
}

/** `NVIDIA H200, 143771`, a line for each card, in MiB; some have no memory of their own to tell (`[N/A]`). */
export const parseNvidiaSmi = (output: string): Card[] =>
  output.split('\n').flatMap((line) => {
    const found = /^(.+), *(\d+)\s*$/.exec(line);
    return found ? [{ name: found[1]!, bytes: Number(found[2]) * MIB }] : [];
  });

/** @param folder replaced in tests */
export async function amdCards(folder = '/sys/class/drm'): Promise<Card[]> {
  const names = await readdir(folder).catch(() => []);
  const cards = names
    .filter((name) => /^card\d+$/.test(name))
    .map(async (name): Promise<Card[]> => {
      const read = (file: string) => readFile(join(folder, name, 'device', file), 'utf8').catch(() => '');
      const bytes = Number(await read('mem_info_vram_total'));
      return bytes > 0 ? [{ name: (await read('product_name')).trim() || 'AMD graphics card', bytes }] : [];
    });
  return (await Promise.all(cards)).flat();
}
