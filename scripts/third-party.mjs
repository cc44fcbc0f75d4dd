// The licences of what is shipped: every package whose code went into a bundle, and those shipped as they are.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Folder of the package that a path under node_modules belongs to (the innermost), and its name.
 * @param {string} source
 */
const packageOf = (source) => {
  // TensorFlow.js's own maps name its sources as they lie in its repository.
  const [, tfjs] = /(?:^|\/)(tfjs-[\w-]+)\/src\//.exec(source) ?? [];
  if (tfjs) return [`@tensorflow/${tfjs}`, `node_modules/@tensorflow/${tfjs}`];
  const [folder, name] = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)(?=\/)/.exec(source) ?? [];
  return [name, folder];
};

/**
 * Names the packages by the bundles' source maps and the files' own paths.
 * @param {string} root
 * @param {string[]} files shipped files relative to root, with `/`
 */
export function shippedPackages(root, files) {
  const folders = new Map();
  const note = (/** @type {string} */ file) => {
    const [name, folder] = packageOf(file);
    if (name) folders.set(name, folder);
  };
  for (const name of files) {
    note(name);
    const map = path.join(root, `${name}.map`);
    if (!existsSync(map)) continue;
    for (const source of JSON.parse(readFileSync(map, 'utf8')).sources) {
      note(path.posix.normalize(path.posix.join(path.posix.dirname(name), source)));
    }
  }
  // Copied, not bundled: the icon font and TensorFlow.js's WebAssembly.
  for (const [file, folder] of [
    ['dist/webview/codicon.ttf', 'node_modules/@vscode/codicons'],
    ['dist/engine/tfjs-backend-wasm', 'node_modules/@tensorflow/tfjs-backend-wasm'],
  ]) {
    if (files.some((name) => name.startsWith(file))) folders.set(folder.slice('node_modules/'.length), folder);
  }
  return [...folders].sort(([a], [b]) => a.localeCompare(b, 'en'));
}

/**
 * One text with every licence. A package without a licence file is named with what its package.json says.
 * @param {string} root
 * @param {string[]} files
 */
export function thirdPartyNotices(root, files) {
  const parts = shippedPackages(root, files).map(([name, relative]) => {
    const folder = path.join(root, relative);
    const { version, license, homepage, repository } = JSON.parse(
      readFileSync(path.join(folder, 'package.json'), 'utf8'),
    );
    const texts = readdirSync(folder)
      .filter((file) => /^(licen[cs]e|notice)/i.test(file))
      .map((file) => readFileSync(path.join(folder, file), 'utf8').trim());
    const url = homepage ?? repository?.url ?? repository ?? '';
    return [`${name} ${version} (${license})`, url, '', texts.join('\n\n') || `Licensed under ${license}.`].join('\n');
  });
  const line = '-'.repeat(80);
  return `Luthier contains the work of others. Their licences follow.\n\n${line}\n${parts.join(`\n\n${line}\n`)}\n`;
}
