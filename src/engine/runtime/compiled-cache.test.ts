import { describe, expect, it } from 'vitest';
import { CompiledCache } from './compiled-cache.ts';

function scene(limit: { bytes: number; count: number }) {
  const disposed: string[] = [];
  const cache = new CompiledCache<{ key: string; bytes: number; dispose(): void }>(limit);
  const get = (key: string, bytes: number) =>
    cache.get(key, async () => ({ key, bytes, dispose: () => void disposed.push(key) }));
  return { cache, get, disposed };
}

describe('CompiledCache', () => {
  it('gives up the least recently used when the bytes are too many', async () => {
    const { get, disposed, cache } = scene({ bytes: 10, count: 9 });
    await get('a', 4);
    await get('b', 4);
    await get('a', 4);
    await get('c', 4);
    expect(disposed).toEqual(['b']);
    await get('d', 8);
    expect(disposed).toEqual(['b', 'a', 'c']);
    cache.dispose();
    expect(disposed).toEqual(['b', 'a', 'c', 'd']);
  });

  it('gives one up when there are too many', async () => {
    const { get, disposed } = scene({ bytes: 100, count: 2 });
    for (const key of ['a', 'b', 'a', 'c']) await get(key, 1);
    expect(disposed).toEqual(['b']);
  });

  it('keeps the one that is asked for, however large', async () => {
    const { get, disposed } = scene({ bytes: 10, count: 9 });
    await get('a', 1);
    expect((await get('huge', 50)).key).toBe('huge');
    expect(disposed).toEqual(['a']);
    await get('huge', 50);
    expect(disposed).toEqual(['a']);
  });
});
