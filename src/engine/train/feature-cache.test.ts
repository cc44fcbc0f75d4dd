import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { FeatureCache, featureKey } from './feature-cache.ts';

const root = mkdtempSync(path.join(tmpdir(), 'luthier-features-'));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

const notes: string[] = [];
const note = (_: string, message: string) => notes.push(message);
beforeEach(() => {
  notes.length = 0;
});

const key = featureKey({ a: 'b' });
const features = Float32Array.from({ length: 12 }, (_, i) => i / 7);

describe('the feature cache', () => {
  let folder: string;
  let cache: FeatureCache;
  const fileOf = (k = key) => path.join(folder, `${k}.safetensors`);
  beforeEach(() => {
    folder = path.join(root, `unit-${Math.random()}`);
    cache = new FeatureCache(note, { folder, maxBytes: 1e6 });
  });

  it('gives back bit for bit what was kept, and nothing else', async () => {
    expect(await cache.read(key, 3, 4)).toBeNull();
    await cache.write(key, features, 4);
    expect(await cache.read(key, 3, 4)).toEqual(features);
    expect(await cache.read(featureKey({ a: 'c' }), 3, 4)).toBeNull();
    expect(notes).toEqual([]);
  });

  const faults: [what: string, harm: (file: string) => void, says: RegExp][] = [
    ['a flipped bit', (file) => flip(file, readFileSync(file).length - 1), /checksum/],
    ['a torn end', (file) => writeFileSync(file, readFileSync(file).subarray(0, -5)), /safetensors|cut off|end/],
    ['another program’s file', (file) => writeFileSync(file, 'hello'), /^Not using .* from the feature cache/],
    [
      'another key’s numbers',
      (file) =>
        writeFileSync(
          file,
          readFileSync(file)
            .toString('latin1')
            .replace(key, featureKey({ a: 'x' })),
          'latin1',
        ),
      /not written by this cache/,
    ],
  ];
  it.each(faults)('does not trust a file with %s: says so and removes it', async (_, harm, says) => {
    await cache.write(key, features, 4);
    harm(fileOf());
    expect(await cache.read(key, 3, 4)).toBeNull();
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain(fileOf());
    expect(notes[0]).toMatch(says);
    expect(existsSync(fileOf())).toBe(false);
    await cache.write(key, features, 4);
    expect(await cache.read(key, 3, 4)).toEqual(features);
  });

  it('does not take features of another size', async () => {
    await cache.write(key, features, 4);
    expect(await cache.read(key, 4, 4)).toBeNull();
  });

  it('keeps within its bound: the least recently used goes', async () => {
    const keys = ['1', '2', '3'].map((a) => featureKey({ a }));
    await cache.write(keys[0]!, features, 4);
    const bytes = (await cache.list())[0]!.bytes;
    cache = new FeatureCache(note, { folder, maxBytes: Math.floor(2.5 * bytes) });
    await cache.write(keys[1]!, features, 4);
    // Long ago, and then the first is used again.
    for (const k of keys.slice(0, 2)) utimesSync(fileOf(k), 1, 1);
    await cache.read(keys[0]!, 3, 4);
    await cache.write(keys[2]!, features, 4);
    expect((await cache.list()).map((file) => file.path).sort()).toEqual([fileOf(keys[0]), fileOf(keys[2])].sort());
    await new FeatureCache(note, { folder, maxBytes: 10 }).write(keys[1]!, features, 4);
    expect(existsSync(fileOf(keys[1]))).toBe(false);
    expect(await cache.clear()).toHaveLength(2);
    expect(await cache.list()).toEqual([]);
  });

  it('stops no one when it cannot write', async () => {
    writeFileSync(folder, 'a file where the folder should be');
    await cache.write(key, features, 4);
    expect(notes).toEqual([expect.stringMatching(/could not be cached/)]);
  });

  it('is bounded, or turned off, by LUTHIER_FEATURE_CACHE', () => {
    const bound = (value: string) => {
      vi.stubEnv('LUTHIER_FEATURE_CACHE', value);
      return new FeatureCache(note, { folder }).maxBytes;
    };
    expect(['', '0', '1234', '1.5 MB', '2gb'].map(bound)).toEqual([2e9, 0, 1234, 1.5e6, 2e9]);
    expect(() => bound('much')).toThrow(/LUTHIER_FEATURE_CACHE is "much"/);
    vi.unstubAllEnvs();
  });
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 1;
  writeFileSync(file, bytes);
}

describe('a key', () => {
  it('follows from every part, its name and its end', () => {
    const keys = [{ a: 'b' }, { b: 'a' }, { a: 'bc' }, { a: 'b', c: '' }, { a: Float32Array.of(1) }, { ab: '' }];
    expect(new Set(keys.map((parts) => featureKey(parts as Record<string, string>))).size).toBe(keys.length);
  });
});
