// node scripts/install.mjs start|test: installs what running (start) or testing (test) needs, when it is not there.
// Packages run no script while they are installed (.npmrc).
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/**
 * @typedef {{ version?: string, optional?: boolean, devOptional?: boolean, dev?: boolean }} Entry
 * @param {string | undefined} file
 * @returns {[string, Entry][]}
 */
const packagesOf = (file) =>
  file && existsSync(file)
    ? Object.entries(JSON.parse(readFileSync(file, 'utf8')).packages).filter(([key]) => key)
    : [];

/** A published program brings its lock file under the other name. */
const LOCKS = ['package-lock.json', 'npm-shrinkwrap.json'];
/** @param {string} folder */
const lockOf = (folder) => LOCKS.map((name) => path.join(folder, name)).find(existsSync);

/**
 * Compares the lock file with what npm noted when it last installed (node_modules/.package-lock.json).
 * @param {string} folder
 * @param {boolean} dev whether development packages are wanted
 */
export function compare(folder, dev) {
  const wanted = packagesOf(lockOf(folder));
  const there = new Map(packagesOf(path.join(folder, 'node_modules/.package-lock.json')));
  const fits = (/** @type {[string, Entry]} */ [key, entry]) =>
    // Optional packages are there or not by platform; dev ones only where they are wanted.
    entry.optional ||
    entry.devOptional ||
    (entry.dev && !dev) ||
    // A folder may be gone from under npm's note.
    (there.get(key)?.version === entry.version && existsSync(path.join(folder, key)));
  return {
    missing: wanted.filter((item) => !fits(item)).length,
    hasDev: [...there.values()].some((entry) => entry.dev),
    isNew: there.size === 0,
  };
}

/**
 * @param {string} folder
 * @param {string[]} args
 */
function npm(folder, args) {
  // The npm that started us, or the one on PATH (a script of the shell's on Windows).
  const self = process.env.npm_execpath;
  /** @type {import('node:child_process').SpawnSyncOptions} */
  const options = { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] };
  const result =
    self && path.basename(self).startsWith('npm')
      ? spawnSync(process.execPath, [self, ...args], options)
      : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (result.error) throw new Error(`npm did not start: ${result.error.message}`);
  return result.status ?? 1;
}

/**
 * Installs in one folder when its lock file asks for something that is not there; false when npm failed.
 * @param {string} folder
 * @param {boolean} dev
 */
export function install(folder, dev) {
  const name = path.relative(root, folder) || 'Luthier';
  const { missing, hasDev, isNew } = compare(folder, dev);
  if (missing === 0) return true;
  console.error(`Installing ${missing} ${missing === 1 ? 'package' : 'packages'} for ${name}…`);
  const started = performance.now();
  // Never takes a developer's tools away: what is there stays, and only what lacks is added.
  const omit = dev || hasDev ? [] : ['--omit=dev'];
  // code-server's own lock file is a little behind its package.json, which `npm ci` refuses.
  const how = isNew && lockOf(folder)?.endsWith('package-lock.json') ? ['ci'] : ['install', '--no-save'];
  const status = npm(folder, [...how, ...omit, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  if (status !== 0) {
    console.error(`npm could not install the packages for ${name} (exit code ${status}). Its message is above.`);
    return false;
  }
  console.error(`Installed in ${((performance.now() - started) / 1000).toFixed(0)} s.`);
  return true;
}

const SERVER = 'test/e2e/vscode';
/** code-server's install script, which does not run here, would install in these two. */
const SERVER_PARTS = ['', 'extensions'].map((part) => `${SERVER}/node_modules/code-server/lib/vscode/${part}`);

/** The browser-served VS Code: 800 MB, for Linux x64. Elsewhere there is nothing to do: an installed one is used. */
export function installServed() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return true;
  return (
    install(path.join(root, SERVER), true) && SERVER_PARTS.every((folder) => install(path.join(root, folder), false))
  );
}

/** @param {'start' | 'test'} purpose */
export function installFor(purpose) {
  if (purpose === 'start') return install(root, false);
  return ['.', 'test', 'test/e2e'].every((folder) => install(path.join(root, folder), true)) && installServed();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    console.error(`Luthier needs Node 20 or newer; this is ${process.version}.`);
    process.exit(1);
  }
  const purpose = process.argv[2];
  if (purpose !== 'start' && purpose !== 'test') {
    console.error('Usage: node scripts/install.mjs start|test');
    process.exit(2);
  }
  process.exit(installFor(purpose) ? 0 : 1);
}
