import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MASK } from '../../completions/secrets.ts';
import { leftOutText } from '../../protocol/index.ts';
import { loadDataset } from '../data/dataset.ts';
import { listRows } from '../data/rows.ts';
import { PASSAGES } from '../tasks/text-generation/rows.ts';
import { collectFiles, surveyFiles } from './collect.ts';
import { heldOut } from './hold-out.ts';
import { looksGenerated, nameLeftOut } from './leave-out.ts';
import { clustersOf, resemblance, sketchOf } from './similar.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'luthier-collect-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function put(files: Record<string, string | Buffer>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}
/** A text that is like no other. */
const code = (n: number, lines = 12) =>
  Array.from(
    { length: lines },
    (_, i) => `export const v${n}_${i} = f${(n * 31 + i * 7) % 97}(${i}, "${n * i}");`,
  ).join('\n');
const collect = (more: Partial<Parameters<typeof collectFiles>[0]> = {}) =>
  collectFiles({ folder, home: join(folder, '.luthier'), name: 'my-files', ...more });
const reasons = (all: { reason: string; files: number; folders: number }[]) =>
  Object.fromEntries(all.map(({ reason, files, folders }) => [reason, files + folders]));

it('says of a folder that is not there that it is none', async () => {
  const gone = join(folder, 'gone');
  await expect(collect({ folder: gone })).rejects.toMatchObject({
    code: 'data-unreadable',
    message: `There is no folder ${gone}.`,
  });
});

describe('surveyFiles', () => {
  it('says which languages there are, and what is left out and why, without reading any file', async () => {
    await put({
      '.gitignore': 'scratch/\n*.log.md\n!keep.log.md\n',
      'src/.gitignore': 'local.ts\n',
      'src/a.ts': code(1),
      'src/b.ts': code(2),
      'src/local.ts': code(3),
      'src/sub/local.ts': code(4),
      'README.md': '# Read me\n',
      'x.log.md': 'x',
      'keep.log.md': 'kept',
      'scratch/c.ts': code(5),
      'data.json': '{}',
      'package-lock.json': '{}',
      'node_modules/p/index.js': 'x',
      '.vscode/settings.json': '{}',
      '.github/workflows/ci.yml': 'on: push\n',
      '.env': 'A=b',
      'deploy/id_rsa': 'x',
      'app.min.js': 'x',
      'picture.png': Buffer.from([137, 80]),
      'empty.ts': '',
      'big.ts': Buffer.alloc(300_000, 'a'),
      Makefile: 'all:\n\techo\n',
    });
    await symlink('/etc', join(folder, 'link'));
    const { languages, left_out } = await surveyFiles({ folder });
    expect(languages.map(({ language, files }) => [language, files])).toEqual([
      ['typescript', 2],
      ['markdown', 2],
      ['makefile', 1],
      ['yaml', 1],
      ['json', 1],
    ]);
    expect(languages.find(({ language }) => language === 'json')!.suggested).toBe(false);
    expect(reasons(left_out)).toEqual({
      ...{ link: 1, folder: 2, ignored: 4, secret: 2, lock: 1, language: 3, generated: 1, empty: 1, large: 1 },
    });
    expect(left_out.find(({ reason }) => reason === 'ignored')!.examples).toEqual([
      'scratch/',
      'src/local.ts',
      'src/sub/local.ts',
    ]);
  });

  it('goes by the rules of the repository that a folder lies in', async () => {
    await put({
      '.git/HEAD': '',
      '.gitignore': 'app/gen/\n*.md\n',
      '.git/info/exclude': 'secretly.ts',
      'app/gen/a.ts': 'x',
    });
    await put({ 'app/b.ts': 'x', 'app/c.md': 'x', 'app/secretly.ts': 'x' });
    const { languages, left_out } = await surveyFiles({ folder: join(folder, 'app') });
    expect(languages.map(({ language, files }) => [language, files])).toEqual([['typescript', 1]]);
    expect(reasons(left_out)).toEqual({ ignored: 3 });
  });

  it('says it in words', () => {
    const of = (reason: 'ignored' | 'folder' | 'large', files: number, folders: number) =>
      leftOutText({ reason, files, folders, examples: [] });
    expect(of('ignored', 1, 0)).toBe('1 file is ignored by git');
    expect(of('ignored', 2, 1)).toBe('2 files and 1 folder with all its files are ignored by git');
    expect(of('folder', 0, 2)).toBe('2 folders of tools or packages were not looked into');
    expect(of('large', 3, 0)).toBe('3 files are too large');
  });
});

describe('nameLeftOut and looksGenerated', () => {
  it.each([
    ['a/b.ts', null],
    ['a/.env', 'secret'],
    ['config/secrets.yml', 'secret'],
    ['yarn.lock', 'lock'],
    ['Cargo.lock', 'lock'],
    ['api_pb2.py', 'generated'],
    ['site.min.css', 'generated'],
    ['__tests__/a.test.ts.snap', 'generated'],
    ['book.ipynb', 'generated'],
    ['photo.jpg', 'language'],
    ['tickets.recipe.json', 'language'],
    ['Dockerfile', null],
    ['GNUmakefile', null],
    ['LICENSE', 'language'],
  ])('%s', (path, reason) => expect(nameLeftOut(path)).toBe(reason));

  it('knows what tools write by what they say, and by their lines', () => {
    expect(looksGenerated('// Code generated by protoc-gen-go. DO NOT EDIT.\npackage a\n', 'code')).toBe(true);
    expect(looksGenerated(`/* @generated */\n${code(1)}`, 'code')).toBe(true);
    expect(looksGenerated(`var a=1;${'b(2),'.repeat(2000)}`, 'code')).toBe(true);
    expect(looksGenerated(code(1, 200), 'code')).toBe(false);
    expect(looksGenerated('A paragraph of prose. '.repeat(60), 'code')).toBe(true);
    expect(looksGenerated('A paragraph of prose. '.repeat(60), 'prose')).toBe(false);
    expect(looksGenerated(`${code(1)}\n// never edit this list by hand: it is long\n`, 'code')).toBe(false);
  });
});

describe('clustersOf', () => {
  it('puts texts together that are nearly the same, and no others', () => {
    const long = code(1, 60);
    const changed = long.replace('v1_30', 'renamed').replace('"17"', '"x"');
    const texts = [code(2, 60), long, code(3, 60), changed, 'short', 'short'];
    const sketches = texts.map(sketchOf);
    expect(clustersOf(sketches)).toEqual([0, 1, 2, 1, 4, 5]);
    expect(resemblance(sketches[1]!, sketches[3]!)).toBeGreaterThan(0.85);
    expect(resemblance(sketches[1]!, sketches[1]!)).toBe(1);
    expect(resemblance(sketches[4]!, sketches[5]!)).toBe(0);
  });
});

describe('heldOut', () => {
  const files = (n: number) => new Map(Array.from({ length: n }, (_, i) => [`f${i}`, `f${i}`]));
  it('holds out a tenth for validation and a tenth for the test, whatever is added', () => {
    const [few, many] = [heldOut(files(200), 1), heldOut(files(300), 1)];
    expect(few.validation.length).toBeGreaterThan(10);
    expect(few.validation.length).toBeLessThan(32);
    expect(few.test.length).toBeGreaterThan(10);
    expect(many.validation).toEqual(expect.arrayContaining(few.validation));
    expect(many.test).toEqual(expect.arrayContaining(few.test));
  });
  it('holds out one of a few, and no test files', () => {
    expect(heldOut(files(2), 1)).toMatchObject({ validation: [expect.any(String)], test: [] });
    expect(heldOut(files(1), 1)).toEqual({ validation: [], test: [] });
    expect(heldOut(new Map(), 1)).toEqual({ validation: [], test: [] });
  });
  it('keeps what is nearly the same on one side', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(12), { minLength: 2, maxLength: 60 }), fc.nat(1000), (heads, seed) => {
        const clusters = new Map(heads.map((head, i) => [`p${i}`, `h${head}`]));
        const { validation, test } = heldOut(clusters, seed);
        const sides = new Map<string, Set<string>>();
        for (const [path, head] of clusters) {
          const side = validation.includes(path) ? 'v' : test.includes(path) ? 't' : 'r';
          sides.set(head, (sides.get(head) ?? new Set()).add(side));
        }
        for (const side of sides.values()) expect(side.size).toBe(1);
        if (sides.size > 1) expect(validation.length).toBeLessThan(heads.length);
      }),
    );
  });
});

describe('collectFiles', () => {
  it('makes an ordinary dataset, whose rows are the files with their paths, masked and held out by file', async () => {
    await put(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`src/f${i}.ts`, code(i)])));
    await put({
      'src/copy.ts': code(3),
      'notes.md': `Password = "s3cret-9x"\n${code(40)}`,
      'odd “näme”\n.ts': code(41),
    });
    await put({
      'near.ts': code(4, 40),
      'nearer.ts': code(4, 40).replace('v4_2 ', 'w '),
      'gen.ts': `// @generated\n${code(42)}`,
    });
    const made = await collect();
    expect(made.record).toMatchObject({ name: 'my-files', task: 'text-generation', rows: 34 });
    expect(reasons(made.left_out)).toEqual({ generated: 1, repeated: 1 });
    expect(made.masked).toEqual([{ name: 'password', count: 1, files: 1 }]);
    expect(made.similar).toEqual([['near.ts', 'nearer.ts']]);
    expect(made.languages.map(({ language, files }) => [language, files])).toEqual([
      ['typescript', 33],
      ['markdown', 1],
    ]);
    const data = await loadDataset(PASSAGES, made.path, { base: folder, validation_split: 0.1, seed: 1 });
    const paths = (rows: readonly { file: string }[]) => rows.map(({ file }) => file.slice(folder.length + 1)).sort();
    expect(paths(data.validation)).toEqual(made.held_out.validation);
    expect(paths(data.test)).toEqual(made.held_out.test);
    expect(data.train.length + data.validation.length + data.test.length).toBe(34);
    expect(data.train.every(({ isStart, isEnd, line }) => isStart && isEnd && line === 1)).toBe(true);
    const { rows } = await listRows({ data: made.path, columns: {}, limit: 100 }, PASSAGES);
    const notes = rows.find(({ file }) => file === join(folder, 'notes.md'))!;
    expect(notes.text).toBe(`Password = "${MASK}"\n${code(40)}`);
    expect(rows.some(({ file }) => file === join(folder, 'odd “näme”\n.ts'))).toBe(true);
  });

  it('takes as much as was asked for, the same files for the same seed', async () => {
    await put(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`f${i}.py`, code(i, 20)])));
    const [a, b] = [await collect({ max_bytes: 5000, seed: 7 }), await collect({ max_bytes: 5000, seed: 7 })];
    expect(a.bytes).toBeGreaterThan(3000);
    expect(a.bytes).toBeLessThan(6300);
    expect(reasons(a.left_out).beyond).toBe(12 - a.record.rows);
    expect(b.record.name).toBe('my-files-2');
    const text = (path: string) => readFile(join(path, 'rows.jsonl'), 'utf8');
    expect(await text(b.path)).toBe(await text(a.path));
    expect(await text((await collect({ max_bytes: 5000, seed: 8 })).path)).not.toBe(await text(a.path));
  });

  it('gives two windows that start at once a dataset each', async () => {
    await put({ 'a.ts': code(1), 'b.ts': code(2) });
    const made = await Promise.all([collect(), collect(), collect()]);
    expect(made.map(({ record }) => record.name).sort()).toEqual(['my-files', 'my-files-2', 'my-files-3']);
  });

  it('reads other encodings, and leaves out what is uncertain or no text', async () => {
    const words = 'größere Flüsse fließen durch schöne Täler, wo Bären über Brücken gehen und Äpfel süß schmecken. ';
    await put({
      'utf16.md': Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(words, 'utf16le')]),
      'bom.md': `\ufeff# ${code(1)}`,
      'windows.md': iconv.encode(words.repeat(4), 'windows-1252'),
      'binary.ts': Buffer.from([1, 0, 2, 0, 3, 255, 254, 0]),
      'blank.ts': ' \n\n\t',
      'crlf.ts': code(2).replaceAll('\n', '\r\n'),
    });
    const made = await collect();
    const { rows } = await listRows({ data: made.path, columns: {}, limit: 100 }, PASSAGES);
    const of = (name: string) => rows.find(({ file }) => file === join(folder, name))?.text;
    expect(of('utf16.md')).toBe(words);
    expect(of('windows.md')).toBe(words.repeat(4));
    expect(of('bom.md')).toBe(`# ${code(1)}`);
    expect(of('crlf.ts')).toBe(code(2).replaceAll('\n', '\r\n'));
    expect(reasons(made.left_out)).toEqual({ binary: 1, empty: 1 });
    expect(made.encodings).toEqual(expect.arrayContaining([{ encoding: 'windows-1252', files: 1 }]));
  });

  it('follows no link, and nothing that becomes one', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'luthier-outside-'));
    try {
      await writeFile(join(outside, 'other.ts'), code(9));
      await put({ 'a.ts': code(1), 'b.ts': code(2) });
      await symlink(join(outside, 'other.ts'), join(folder, 'file.ts'));
      await symlink(outside, join(folder, 'dir'));
      const made = await collect();
      expect(reasons(made.left_out)).toEqual({ link: 2 });
      expect(await readFile(join(made.path, 'rows.jsonl'), 'utf8')).not.toContain('v9_');
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  it.each([
    ['an empty folder', {}, /no file to learn from\.$/],
    ['only ignored files', { '.gitignore': '*', 'a.ts': 'x' }, /no file to learn from: .*ignored by git/],
    ['a single file', { 'a.ts': code(1) }, /a single file to learn from/],
    ['a file of 10 MB', { 'a.ts': Buffer.alloc(10_000_000, 'x') }, /1 file is too large/],
    [
      'the same file twice',
      { 'a.ts': code(1), 'b.ts': code(1) },
      /a single file to learn from: 1 file has the same text as another/,
    ],
    [
      'nearly the same file twice',
      { 'a.ts': code(1, 60), 'b.ts': code(1, 60).replace('v1_3', 'w') },
      /nearly the same/,
    ],
  ] as [string, Record<string, string | Buffer>, RegExp][])('refuses %s, and says why', async (_, files, message) => {
    await put(files);
    await expect(collect()).rejects.toThrow(message);
    await expect(readFile(join(folder, '.luthier/datasets/my-files/dataset.json'))).rejects.toThrow();
  });

  it.each([
    [
      'so little text that one file fills it',
      { max_bytes: 100 },
      /a single file to learn from: 2 files are beyond the amount of text that was asked for; 1 file is in a language/,
      'Ask for more text than 100 B, which has no room for a second file (--max-bytes in a terminal).',
    ],
    [
      'another language alone',
      { languages: ['markdown'] },
      /a single file to learn from: 3 files are in languages that were not chosen/,
      'Choose more languages.',
    ],
    [
      'files that are smaller than all',
      { max_file_bytes: 10 },
      /no file to learn from: 4 files are too large; 1 file is ignored by git/,
      'Allow files of more than 10 B (--max-file-bytes in a terminal).',
    ],
  ])('says which choice leaves too few: %s', async (_, choice, message, hint) => {
    await put({ 'a.ts': code(1), 'b.ts': code(2), 'c.ts': code(3), 'd.md': code(4) });
    await put({ '.gitignore': 'e.ts\n', 'e.ts': code(5) });
    const languages = 'max_bytes' in choice ? ['typescript'] : undefined;
    const refused = collect({ ...(languages && { languages }), ...choice });
    await expect(refused).rejects.toMatchObject({ message: expect.stringMatching(message), hint });
  });

  it('says of a folder that is not there that it is not', async () => {
    await expect(collect({ folder: join(folder, 'no') })).rejects.toMatchObject({ code: 'data-unreadable' });
  });

  it('hears a cancellation', async () => {
    await put({ 'a.ts': code(1), 'b.ts': code(2) });
    await expect(collect({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('leaves out what changes while it is read', async () => {
    await put({ 'a.ts': code(1), 'b.ts': code(2), 'c.ts': code(3) });
    // Touched all the while: no reading of it ends as it began.
    let on = true;
    const touching = (async () => {
      for (let time = 1; on; time++) await utimes(join(folder, 'c.ts'), time, time);
    })();
    const made = await collect();
    on = false;
    await touching;
    const { changed = 0 } = reasons(made.left_out);
    expect(made.record.rows + changed).toBe(3);
  });
});
