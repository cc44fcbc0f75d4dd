// npm run vscode: opens a real VS Code with the extension packed and installed, on a copy of the examples. The `code`
// that is installed is taken where there is one, in a profile of its own; else the browser-served one of the tests.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import envPaths from 'env-paths';
import { VSCodeServer, whyAbsent } from '../test/e2e/server.mjs';
import { installServed } from './install.mjs';
import { makePackage } from './package.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const home = path.join(envPaths('luthier', { suffix: '' }).data, 'vscode');

/** A copy, so that runs and edits stay out of the checkout; what was done in it before is kept. */
function workspace() {
  const folder = path.join(home, 'examples');
  mkdirSync(folder, { recursive: true });
  cpSync(path.join(root, 'examples'), folder, { recursive: true, force: false });
  return folder;
}

/**
 * Runs the installed VS Code's command; false when there is none.
 * @param {string[]} args
 */
function code(args) {
  // On Windows it is a script of the shell's; its arguments here hold no more than paths.
  const shell = process.platform === 'win32';
  const quoted = shell ? args.map((argument) => `"${argument}"`) : args;
  const { error, status } = spawnSync('code', quoted, { stdio: ['ignore', 'ignore', 'inherit'], shell });
  return !error && status === 0;
}

/**
 * @param {string} vsix
 * @param {string} folder
 */
async function serve(vsix, folder) {
  if (!installServed()) throw new Error('npm could not install the browser-served VS Code. Its message is above.');
  const absent = whyAbsent();
  if (absent)
    throw new Error(`There is no \`code\` on PATH, and ${absent}. Install VS Code, or install ${vsix} in your own.`);
  const settings = { 'workbench.startupEditor': 'none', 'workbench.reduceMotion': 'auto' };
  const server = new VSCodeServer(path.join(home, 'served'), { settings });
  await server.install(vsix);
  await server.start();
  console.log(`VS Code is at ${server.open(folder)}\nPress Ctrl-C to end it.`);
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => void server.stop().then(() => process.exit(0)));
}

try {
  const vsix = path.join(home, 'luthier.vsix');
  const folder = workspace();
  const { bytes } = await makePackage({ out: vsix });
  console.log(`Packed ${(bytes / 1e6).toFixed(1)} MB.`);
  const profile = ['--user-data-dir', path.join(home, 'data'), '--extensions-dir', path.join(home, 'extensions')];
  // As root, a VS Code on the desktop refuses to start.
  const desktop = process.getuid?.() !== 0 && code([...profile, '--install-extension', vsix, '--force']);
  if (desktop && existsSync(folder) && code([...profile, folder])) console.log(`VS Code opens ${folder}`);
  else await serve(vsix, folder);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
