import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { amdCards, parseNvidiaSmi } from './cards.ts';

const root = mkdtempSync(path.join(tmpdir(), 'luthier-cards-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('memory of graphics cards', () => {
  it('is read from nvidia-smi, card by card', () => {
    expect(parseNvidiaSmi('NVIDIA H200, 143771\nNVIDIA GeForce RTX 3060, 12288\n')).toEqual([
      { name: 'NVIDIA H200', bytes: 143_771 * 2 ** 20 },
      { name: 'NVIDIA GeForce RTX 3060', bytes: 12 * 2 ** 30 },
    ]);
    expect(parseNvidiaSmi('NVIDIA Thor, [N/A]\n')).toEqual([]);
    expect(parseNvidiaSmi('NVIDIA-SMI has failed because it couldn’t communicate with the NVIDIA driver.\n')).toEqual(
      [],
    );
  });

  it('is read from the files of Linux’s driver for AMD’s, and not of others', async () => {
    for (const [card, files] of Object.entries({
      card0: { mem_info_vram_total: '17163091968\n', product_name: 'Radeon RX 6800\n' },
      card1: { mem_info_vram_total: '536870912\n' },
      card2: { vendor: '0x8086\n' },
      'card0-DP-1': { mem_info_vram_total: '1\n' },
    })) {
      mkdirSync(path.join(root, card, 'device'), { recursive: true });
      for (const [name, text] of Object.entries(files)) writeFileSync(path.join(root, card, 'device', name), text);
    }
    expect(await amdCards(root)).toEqual([
      { name: 'Radeon RX 6800', bytes: 17_163_091_968 },
      { name: 'AMD graphics card', bytes: 536_870_912 },
    ]);
    expect(await amdCards(path.join(root, 'missing'))).toEqual([]);
  });
});
