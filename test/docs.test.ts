// The project's own pages: what they link to is there, and so are the files that ARCHITECTURE.md names.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '..');
const pages = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'scripts/starter/README.md'],
  ...readdirSync(path.join(root, 'docs')).map((name) => `docs/${name}`),
];
const textOf = (page: string) => readFileSync(path.join(root, page), 'utf8');

/** As GitHub names a heading. */
const slug = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

const anchorsOf = (page: string) => [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => slug(heading!));

test.each(pages)('links of %s lead to files and headings', (page) => {
  const prose = textOf(page).replace(/```[\s\S]*?```/g, '');
  for (const [, href] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https?:/.test(href!)) continue;
    const [file, anchor] = href!.split('#') as [string, string?];
    const to = file === '' ? page : path.posix.normalize(path.posix.join(path.posix.dirname(page), file));
    expect(existsSync(path.join(root, to)), `${page}: ${href}`).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(to), `${page}: ${href}`).toContain(anchor);
  }
});

/** Every file below a folder, by its path from the root. */
const below = (folder: string) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
    `${folder}/${file}`.replaceAll(path.sep, '/'),
  );

test('files that ARCHITECTURE.md names are there', () => {
  const all = [...readdirSync(root), ...['src', 'test', 'bench', 'docs'].flatMap(below)];
  const names = [...textOf('ARCHITECTURE.md').matchAll(/`([\w./-]+\.(?:ts|mjs|cjs|py|md))`/g)].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(100);
  const built = /^dist\//;
  const missing = names.filter(
    (name) => !/\bNAME\b/.test(name) && !built.test(name) && !all.some((file) => `/${file}`.endsWith(`/${name}`)),
  );
  expect(missing).toEqual([]);
});
