import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '..');
const engine = path.join(root, 'src/engine');

/** Files of the engine's own folder belong to the lowest floor, but for the command line's entry. */
const LOOSE = { floor: 0, entry: 'cli.ts' };

/** ARCHITECTURE.md's map of the engine: the floor of each folder. */
function map(): Map<string, number> {
  const text = readFileSync(path.join(root, 'ARCHITECTURE.md'), 'utf8');
  const rows = text.slice(text.indexOf('\nInside the engine'), text.indexOf('\n## The one idea'));
  return new Map(
    [...rows.matchAll(/^\| `([\w-]+)\/` \| (\d+) \|/gm)].map(([, folder, floor]) => [folder!, Number(floor)] as const),
  );
}

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g;

/** The engine's files; tests may import anything. */
const sources = (): string[] =>
  readdirSync(engine, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll(path.sep, '/'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('testing/'));

/** The engine's files that one of them imports. */
const targetsOf = (from: string): string[] =>
  [...readFileSync(path.join(engine, from), 'utf8').matchAll(IMPORT)]
    .map(([, target]) => path.posix.normalize(path.posix.join(path.posix.dirname(from), target!)))
    .filter((to) => !to.startsWith('..'));

const folderOf = (file: string): string => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '');

test('every folder of the engine has its floor in ARCHITECTURE.md, and no other', () => {
  const folders = readdirSync(engine, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect([...map().keys()].sort()).toEqual(folders.map(({ name }) => name).sort());
});

test('every folder of the sources has its line in ARCHITECTURE.md and its TypeScript project', () => {
  const text = readFileSync(path.join(root, 'ARCHITECTURE.md'), 'utf8');
  const projects = readFileSync(path.join(root, 'tsconfig.json'), 'utf8');
  const folders = readdirSync(path.join(root, 'src')).sort();
  expect([...text.matchAll(/^\| `src\/([\w-]+)\/` \| \d \|/gm)].map(([, folder]) => folder).sort()).toEqual(folders);
  expect([...projects.matchAll(/"src\/([\w-]+)"/g)].map(([, folder]) => folder).sort()).toEqual(folders);
});

test('imports inside the engine run downward', () => {
  const floors = map();
  const floorOf = (file: string): number =>
    file === LOOSE.entry ? Number.POSITIVE_INFINITY : (floors.get(folderOf(file)) ?? LOOSE.floor);
  const found = sources().flatMap((from) =>
    targetsOf(from).flatMap((to) => (folderOf(to) === folderOf(from) ? [] : [{ from, to }])),
  );
  expect(found.length).toBeGreaterThan(100);
  const upward = found.filter(({ from, to }) => floorOf(to) > floorOf(from)).map(({ from, to }) => `${from} -> ${to}`);
  expect([...new Set(upward)]).toEqual([]);
});

test('no files of the engine import each other in a circle, not even types', () => {
  const importsOf = new Map(sources().map((from) => [from, targetsOf(from)]));
  const done = new Set<string>();
  const circleFrom = (file: string, way: readonly string[]): string[] | null => {
    const at = way.indexOf(file);
    if (at >= 0) return [...way.slice(at), file];
    if (done.has(file)) return null;
    for (const target of importsOf.get(file) ?? []) {
      const circle = circleFrom(target, [...way, file]);
      if (circle) return circle;
    }
    done.add(file);
    return null;
  };
  expect(sources().flatMap((file) => circleFrom(file, []) ?? [])).toEqual([]);
});
