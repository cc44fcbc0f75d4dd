import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultCacheFolder, findToken, listCached, parseModelName } from './cache.ts';
import { resolveModel, startersFolder } from './resolve.ts';

let root: string;
let options: { base: string; startersFolder: string; cacheFolder: string };
const commit = '0123456789abcdef0123456789abcdef01234567';

async function put(...parts: string[]): Promise<void> {
  const content = parts.pop()!;
  const path = join(root, ...parts);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

async function putCached(folder: string, files: string[], ref = 'main'): Promise<void> {
  await put('cache', folder, 'refs', ref, commit);
  for (const file of files) await put('cache', folder, 'snapshots', commit, file, '{}');
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'luthier-resolve-'));
  options = { base: join(root, 'work'), startersFolder: join(root, 'starters'), cacheFolder: join(root, 'cache') };
  await put('work', 'mine', 'config.json', '{}');
  await put('work', 'google', 'bert', 'notes.txt', 'no model');
  await put('work', 'starters', 'own', 'config.json', '{}');
  await put('starters', 'bert', 'config.json', '{}');
  await putCached('models--google--bert', ['config.json', 'model.safetensors']);
  await putCached('models--google--bert', [], 'v1/rc');
  await putCached('models--org--half', ['config.json', 'tokenizer.json']);
  await putCached('models--old-name', ['config.json', 'pytorch_model.bin']);
  await putCached('datasets--org--rows', ['config.json', 'model.safetensors']);
});
afterAll(() => rm(root, { recursive: true }));

describe('resolveModel', () => {
  const found: [string, string, string[]][] = [
    ['mine', 'folder', ['work', 'mine']],
    ['./mine', 'folder', ['work', 'mine']],
    ['../work/mine', 'folder', ['work', 'mine']],
    ['./google/bert', 'folder', ['work', 'google', 'bert']],
    ['starters/own', 'folder', ['work', 'starters', 'own']],
    ['starters/bert', 'starter', ['starters', 'bert']],
    ['google/bert', 'cache', ['cache', 'models--google--bert', 'snapshots', commit]],
    ['google/bert@v1/rc', 'cache', ['cache', 'models--google--bert', 'snapshots', commit]],
    [`google/bert@${commit}`, 'cache', ['cache', 'models--google--bert', 'snapshots', commit]],
    ['old-name', 'cache', ['cache', 'models--old-name', 'snapshots', commit]],
  ];
  it.each(found)('%s is a %s', async (name, source, path) => {
    const model = await resolveModel(name, options);
    expect([model.source, model.path]).toEqual([source, join(root, ...path)]);
    expect(model.note).toContain(model.path);
  });

  it('an absolute path', async () => {
    expect((await resolveModel(join(root, 'work', 'mine'), options)).source).toBe('folder');
  });

  const absent: [string, RegExp, RegExp][] = [
    ['nobody/nothing', /a folder .*nothing, then the Hugging Face cache at/, /luthier models download nobody\/nothing/],
    ['org/half', /found, but its weights are missing/, /luthier models download org\/half/],
    ['google/bert@v2', /google.bert@v2, then the Hugging Face cache/, /models download google\/bert@v2/],
    ['./nothing', /^Model "\.\/nothing" was not found; looked for a folder .*nothing\.$/, /path/],
    ['starters/gpt9', /a folder .*, then a starter at [^?]*\.$/, /luthier models list/],
    ['starters/brt', /Did you mean “starters\/bert”\?$/, /luthier models list/],
    ['Bert', /Did you mean “starters\/bert”\?$/, /luthier models download Bert/],
    ['gogle/bert', /Did you mean “google\/bert”\?$/, /luthier models download gogle\/bert/],
    ['./mien', /Did you mean “\.\/mine”\?$/, /path/],
    ['what is this?', /looked for a folder/, /luthier models list/],
    ['', /empty/, /^$/],
  ];
  it.each(absent)('"%s" is not there', async (name, message, hint) => {
    const error = await resolveModel(name, options).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: 'model-not-found', message: expect.stringMatching(message) });
    expect((error as { hint?: string }).hint ?? '').toMatch(hint);
  });
});

describe('startersFolder', () => {
  it("is the repository's own, from the sources as from the bundle", () => {
    const folder = startersFolder();
    expect(existsSync(join(dirname(folder), 'biome.json'))).toBe(true);
    expect(startersFolder(join(dirname(folder), 'dist', 'engine'))).toBe(folder);
  });
  it('fails outside of Luthier', () => {
    expect(() => startersFolder(root)).toThrow(/not in a copy of Luthier/);
  });
});

describe('the cache', () => {
  it('is where huggingface_hub has it', () => {
    expect(defaultCacheFolder({})).toBe(join(homedir(), '.cache', 'huggingface', 'hub'));
    expect(defaultCacheFolder({ XDG_CACHE_HOME: '/x' })).toBe(join('/x', 'huggingface', 'hub'));
    expect(defaultCacheFolder({ HF_HOME: '~/hf', XDG_CACHE_HOME: '/x' })).toBe(join(homedir(), 'hf', 'hub'));
    expect(defaultCacheFolder({ HF_HUB_CACHE: '/c', HF_HOME: '/h' })).toBe('/c');
  });

  it('lists every model, and which of them lack files', async () => {
    const listed = await listCached(options.cacheFolder);
    expect(listed.map(({ id, complete }) => [id, complete])).toEqual([
      ['google/bert', true],
      ['old-name', true],
      ['org/half', false],
    ]);
    expect(await listCached(join(root, 'no cache'))).toEqual([]);
  });

  it('the token is from the environment, else from its file', async () => {
    expect(await findToken({ HF_TOKEN: ' hf_a\n', HF_HOME: root })).toBe('hf_a');
    expect(await findToken({ HF_HOME: root })).toBeUndefined();
    await put('token', 'hf_b\n');
    expect(await findToken({ HF_HOME: root })).toBe('hf_b');
    expect(await findToken({ HF_TOKEN_PATH: join(root, 'no') })).toBeUndefined();
  });
});

describe('parseModelName', () => {
  it.each([
    ['bert-base-uncased', 'bert-base-uncased', 'main'],
    ['google-bert/bert-base-uncased', 'google-bert/bert-base-uncased', 'main'],
    ['a/b.c_d@refs/pr/1', 'a/b.c_d', 'refs/pr/1'],
  ])('%s', (text, id, revision) => expect(parseModelName(text)).toEqual({ id, revision }));

  it.each([
    '',
    '/',
    'a/',
    '/b',
    'a/b/c',
    '..',
    '../b',
    'a/..',
    'a--b',
    '.a',
    'a b',
    'a/b@',
    'a@../x',
    'a@x//y',
    'a@.x',
    'a\\b',
  ])('%s is none', (text) => expect(parseModelName(text)).toBeUndefined());

  it('never yields a path that leaves the cache', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '.', '-', '/', '@', '\\', '~') }), (text) => {
        const name = parseModelName(text);
        if (name === undefined) return;
        expect(join('/cache', `models--${name.id.replaceAll('/', '--')}`)).toMatch(/^\/cache\/models--[^/]+$/);
        expect(join('/refs', name.revision)).toMatch(/^\/refs\/./);
      }),
      { numRuns: 2000 },
    );
  });
});
