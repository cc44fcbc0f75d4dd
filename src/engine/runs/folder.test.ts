import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diskUse } from '../../files/folders.ts';
import { shellQuoted } from '../../files/shell.ts';
import { findRunFolders } from '../../runs/find.ts';
import { FILES } from '../../runs/folder.ts';
import { readRecord } from '../../runs/record.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import { createRun, findRun } from './folder.ts';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'luthier-folder-'));
});
afterEach(() => rm(base, { recursive: true }));

const recipe = parseRecipe({ model: 'starters/bert', dataset: '/data/Meine Tickets (neu).csv' });
const create = (more = {}) => createRun({ recipe, base, path: null, state: 'starting', ...more });

describe('createRun', () => {
  it('makes a readable id beside the recipe, out of the sight of git', async () => {
    const { folder, record } = await create();
    expect(record.id).toMatch(/^meine-tickets-neu-bert-\d{8}-\d{4}-[a-z0-9]{4}$/);
    expect(folder).toBe(join(base, '.luthier', 'runs', record.id));
    expect(await readFile(join(base, '.luthier', '.gitignore'), 'utf8')).toBe('*\n');
    expect(await readRecord(folder)).toEqual(record);
  });

  it('keeps what was put in the place of the recipe’s keys', async () => {
    const { folder } = await create({ sets: ['seed=7', 'strategy.type=lora'] });
    expect(await readRecord(folder)).toMatchObject({ sets: ['seed=7', 'strategy.type=lora'] });
    expect((await create({ sets: [] })).record).not.toHaveProperty('sets');
  });

  it('leaves a .gitignore of somebody else as it is', async () => {
    await mkdir(join(base, '.luthier'));
    await writeFile(join(base, '.luthier', '.gitignore'), 'runs\n');
    await create();
    expect(await readFile(join(base, '.luthier', '.gitignore'), 'utf8')).toBe('runs\n');
  });

  it('makes different ids at the same minute', async () => {
    const made = await Promise.all(Array.from({ length: 10 }, () => create()));
    expect(new Set(made.map(({ folder }) => folder)).size).toBe(10);
  });

  it('takes a folder that is named, unless it holds something', async () => {
    const out = join(base, 'Größe 2');
    const { record } = await create({ out });
    expect(record.id).toBe('größe-2');
    await expect(create({ out })).rejects.toMatchObject({
      code: 'run-busy',
      hint: `Choose another folder, or resume that run: luthier runs resume ${shellQuoted(out)}`,
    });
    await mkdir(join(base, 'full'));
    await writeFile(join(base, 'full', 'a'), '');
    await expect(create({ out: join(base, 'full') })).rejects.toMatchObject({ code: 'usage' });
    expect(await readdir(join(base, 'full'))).toEqual(['a']);
  });

  it('says where it may not write', async () => {
    // A file in the way fails for every user, root too.
    await writeFile(join(base, 'file'), '');
    const error = await create({ out: join(base, 'file', 'run') }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'not-writable', hint: expect.stringContaining('--out') });
  });
});

describe('readRecord', () => {
  const write = async (text: string) => writeFile(join(base, FILES.record), text);

  it.each([
    ['a metric that decides', { recipe: { ...recipe, metric_for_best_model: 'constructor' } }],
    ['a metric with a value', { best: { step: 3, metrics: { toString: 0.5 } } }],
  ])('does not take a name that every object has for that of %s', async (_, change) => {
    const { record } = await create();
    await write(JSON.stringify({ ...record, ...change }));
    await expect(readRecord(base)).rejects.toMatchObject({
      code: 'run-invalid',
      message: expect.stringContaining('a name that every object has'),
    });
  });

  it('refuses one from the future, a torn one, and what is none', async () => {
    await expect(readRecord(base)).rejects.toMatchObject({ code: 'run-not-found' });
    const { record } = await create();
    const text = JSON.stringify(record);
    for (let cut = 0; cut < text.length; cut += 40) {
      await write(text.slice(0, cut));
      await expect(readRecord(base)).rejects.toMatchObject({ code: 'run-invalid' });
    }
    await write(JSON.stringify({ ...record, format: 2 }));
    await expect(readRecord(base)).rejects.toMatchObject({ code: 'run-newer-format' });
    await write(JSON.stringify({ ...record, step: '3' }));
    await expect(readRecord(base)).rejects.toThrow(/step is not a whole number/);
    await write('[]');
    await expect(readRecord(base)).rejects.toMatchObject({ code: 'run-invalid' });
  });
});

describe('findRun', () => {
  it('finds runs here, above and below, by id or folder', async () => {
    const deep = join(base, 'a', 'b');
    await mkdir(deep, { recursive: true });
    const above = await create();
    const below = await createRun({ recipe, base: deep, path: null, state: 'starting' });
    expect(new Set(await findRunFolders(join(base, 'a')))).toEqual(new Set([above.folder, below.folder]));
    expect(await findRun(basename(below.folder), base)).toBe(below.folder);
    expect(await findRun(above.folder, deep)).toBe(above.folder);
    await expect(findRun('none', base)).rejects.toMatchObject({ code: 'run-not-found' });
    const id = basename(below.folder);
    await expect(findRun(`${id}x`, base)).rejects.toThrow(`in ${base}; did you mean “${id}”?`);
  });

  it('finds runs whose folder was named with --out, the broken among them, and takes nothing else for one', async () => {
    const [plain, newer, broken, other] = ['run', 'a/newer', 'a/b/broken', 'other'].map((name) => join(base, name));
    await createRun({ recipe, base, path: null, state: 'starting', out: plain! });
    await mkdir(join(plain!, '.luthier', 'runs', 'inside'), { recursive: true });
    for (const folder of [newer!, broken!, other!]) await mkdir(folder, { recursive: true });
    await writeFile(join(newer!, FILES.record), '{"format": 999}');
    await writeFile(join(broken!, FILES.record), '{"format": 1, "id"');
    await writeFile(join(broken!, FILES.metrics), '');
    await writeFile(join(other!, FILES.record), '{"scripts": ["test"]}');
    await symlink(plain!, join(base, 'link'), 'junction');
    expect(new Set(await findRunFolders(base))).toEqual(new Set([plain, newer, broken]));
    expect(await findRunFolders(plain!)).toEqual([plain]);
    expect(await findRun('run', base)).toBe(plain);
  });

  it('does not look into node_modules', async () => {
    const inside = join(base, 'node_modules', 'x');
    await mkdir(inside, { recursive: true });
    await createRun({ recipe, base: inside, path: null, state: 'starting' });
    expect(await findRunFolders(base)).toEqual([]);
  });
});

describe('diskUse', () => {
  it('sums files', async () => {
    await mkdir(join(base, 'x'));
    await writeFile(join(base, 'x', 'a'), Buffer.alloc(1000));
    await writeFile(join(base, 'b'), Buffer.alloc(24));
    expect(await diskUse(base)).toBe(1024);
    expect(await diskUse(join(base, 'none'))).toBe(0);
  });
});
