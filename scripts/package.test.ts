import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { marketplaceReadme } from './marketplace.mjs';
import { packageEntries, TARGETS } from './package.mjs';

const target = TARGETS.find((one) => one === `${process.platform}-${process.arch}`);
const root = path.dirname(import.meta.dirname);

/** Every Markdown file of the packed extension, by its name there. */
function documents() {
  const entries = packageEntries(target ?? 'linux-x64');
  const names = new Set(entries.map(({ name }) => name));
  const text = ({ source }: (typeof entries)[number]) =>
    typeof source === 'string' ? readFileSync(source, 'utf8') : source.toString('utf8');
  const pages = entries
    .filter(({ name }) => name.endsWith('.md'))
    .map((entry) => ({ name: entry.name, text: text(entry) }));
  return { names, pages };
}

const GUIDE = 'https://www.promptingguide.ai';

const slug = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s-]/gu, '')
    .trim()
    .replace(/\s+/g, '-');

test('every picture and link of the packed pages leads somewhere without a network', () => {
  const { names, pages } = documents();
  expect(pages.map(({ name }) => name)).toEqual(expect.arrayContaining(['README.md', 'CHANGELOG.md']));
  for (const { name, text } of pages) {
    const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map((match) => `#${slug(match[1]!)}`);
    for (const [, bang, , href] of text.matchAll(/(!?)\[([^\]]*)\]\(([^)]*)\)/g)) {
      const where = `${name}: ${href!.slice(0, 80)}`;
      // Sources of the guide to prompts, for who wants to read on.
      if (name.startsWith('docs/prompting') && href!.startsWith(GUIDE)) continue;
      if (href!.startsWith('#')) expect(anchors, where).toContain(href);
      // VS Code shows pictures of an installed extension's pages by https only, neither relative nor data: ones.
      else {
        expect(bang, where).toBe('');
        expect(names.has(path.posix.normalize(path.posix.join(path.posix.dirname(name), href!))), where).toBe(true);
      }
    }
  }
});

test('the packed README is for who found the extension, without pictures that VS Code would show broken', () => {
  const readme = documents().pages.find(({ name }) => name === 'README.md')!.text;
  expect(readme).not.toMatch(/!\[|\n{3}/);
  expect(readme).not.toMatch(/npm (start|test|run)|\| target \|/);
  const { contributes } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    contributes: { commands: { title: string }[] };
  };
  const titles = contributes.commands.map(({ title }) => title);
  for (const [, title] of readme.matchAll(/\*\*Luthier: ([^*]+)\*\*/g)) expect(titles).toContain(title);
});

test('with a public repository the packed README shows its pictures from there; they are small', () => {
  const at = (repository?: string | { url: string }) => marketplaceReadme(root, repository ? { repository } : {});
  for (const repository of [{ url: 'git+https://github.com/ada/luthier.git' }, 'https://github.com/ada/luthier']) {
    const { text, leftOut } = at(repository);
    const pictures = [...text.matchAll(/!\[[^\]]+\]\(https:\/\/github\.com\/ada\/luthier\/raw\/HEAD\/([^)]*)\)/g)];
    expect([pictures.length, leftOut]).toEqual([5, 0]);
    for (const [, file] of pictures) expect(statSync(path.join(root, file!)).size, file).toBeLessThan(200_000);
  }
  for (const nowhere of [undefined, 'https://example.org/luthier', { url: '../luthier' }]) {
    expect(at(nowhere).leftOut).toBe(5);
    expect(at(nowhere).text).not.toContain('![');
  }
});

test('every file that package.json contributes is packed', () => {
  const { contributes } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const paths = [...JSON.stringify(contributes).matchAll(/"\.\/([^"]+)"/g)].map((match) => match[1]!);
  expect(paths.length).toBeGreaterThan(5);
  const { names } = documents();
  for (const file of paths) expect(names.has(file), file).toBe(true);
});

test('every program that a bundle of the engine starts is packed', () => {
  const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !/[\\/](testing|cli)[\\/]/.test(name))
    .map((name) => readFileSync(path.join(root, 'src', name), 'utf8'));
  const started = sources.flatMap((text) => [...text.matchAll(/['"/](\w+\.cjs)'/g)].map((match) => match[1]!));
  const { names } = documents();
  const packed = [...names].map((name) => path.posix.basename(name));
  expect(started).toEqual(expect.arrayContaining(['run.cjs', 'host.cjs', 'probe.cjs', 'service.cjs']));
  expect(packed).toEqual(expect.arrayContaining(started));
});
