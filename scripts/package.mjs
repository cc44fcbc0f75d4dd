// npm run package [-- --target linux-x64|linux-arm64|darwin-arm64|win32-x64|win32-arm64] [--out FILE]
// Makes a VSIX that holds only what the extension needs on one platform.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { marketplaceReadme } from './marketplace.mjs';
import { thirdPartyNotices } from './third-party.mjs';
import { writeVsix } from './vsix.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Platforms that onnxruntime-node serves. */
export const TARGETS = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];
/** Bundles that must have been built. */
const PROGRAMS = ['run', 'service', 'host', 'probe', 'prompt-thread']
  .map((name) => `dist/engine/${name}.cjs`)
  .concat('dist/extension/activate.cjs', 'dist/extension/recipe-text.cjs');

/** Models that must come with the extension. */
const STARTERS = ['starters/bert', 'starters/decoder'];

const LIMIT_MB = 120;

/** A fault of use or of what is missing: said without a trace. */
class Fault extends Error {}

/**
 * Files under `folder` (relative to the root), as names with `/`.
 * @param {string} folder
 * @param {(name: string) => boolean} keep
 */
function filesUnder(folder, keep = () => true) {
  if (!existsSync(path.join(root, folder))) return [];
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .filter(keep)
    .sort();
}

/** @param {string} name */
const isSource = (name) => /\.(map|ts|mts)$/.test(name);

/**
 * onnxruntime-node for one platform, and onnxruntime-common, without their sources and maps.
 * @param {string} target
 */
function runtimeFiles(target) {
  const [platform, arch] = target.split('-');
  const native = filesUnder(`node_modules/onnxruntime-node/bin/napi-v6/${platform}/${arch}`);
  if (!native.some((name) => name.endsWith('.node'))) {
    throw new Fault(
      `onnxruntime-node has no ${target} in this checkout. Run npm ci, which installs it for all platforms.`,
    );
  }
  // npm made a second copy of the library of what was a link; the binding asks for @rpath/libonnxruntime.1.dylib.
  const needed = native.filter((name) => !/libonnxruntime\.\d+\.\d+.*\.dylib$/.test(name));
  const scripts = filesUnder('node_modules/onnxruntime-node/dist', (name) => !isSource(name));
  const common = filesUnder('node_modules/onnxruntime-common/dist/cjs', (name) => !isSource(name));
  const manifests = ['onnxruntime-node', 'onnxruntime-common'].map((name) => `node_modules/${name}/package.json`);
  return [...needed, ...scripts, ...common, ...manifests];
}

/** package.json without what only a checkout needs. */
function shippedManifest() {
  const {
    scripts,
    devDependencies,
    dependencies,
    bin,
    private: _,
    ...manifest
  } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return manifest;
}

/**
 * What goes into the VSIX of one platform: names inside the extension, each with the path of a file or with its bytes.
 * @param {string} target
 * @returns {{ name: string, source: string | Buffer }[]}
 */
export function packageEntries(target) {
  const files = [
    ...PROGRAMS,
    ...filesUnder('dist/engine', (name) => name.endsWith('.wasm')),
    ...filesUnder('dist/webview', (name) => !isSource(name)),
    ...filesUnder('media', (name) => !/^media\/(screenshots|marketplace)\//.test(name)),
    ...filesUnder('starters'),
    // The language of prompt templates.
    ...filesUnder('syntaxes'),
    ...filesUnder('snippets'),
    ...runtimeFiles(target),
    // What Try with Example Data copies.
    ...filesUnder('examples', (name) => !name.includes('/.')),
    // The guide that the walkthrough opens.
    ...filesUnder('docs', (name) => /\/prompting(\.\w+)?\.md$/.test(name)),
    ...['CHANGELOG.md', 'LICENSE', 'NOTICE'].filter((file) => existsSync(path.join(root, file))),
  ];
  /** @type {{ name: string, source: string | Buffer }[]} */
  const entries = files.map((name) => ({ name, source: path.join(root, name) }));
  entries.push({ name: 'README.md', source: Buffer.from(marketplaceReadme(root, shippedManifest()).text) });
  entries.push({ name: 'ThirdPartyNotices.txt', source: Buffer.from(thirdPartyNotices(root, files)) });
  return entries;
}

/**
 * Writes the VSIX of one platform.
 * @param {{ target?: string, out?: string }} options
 * @returns {Promise<{ file: string, bytes: number, files: number, missing: string[] }>} `missing`: starters without weights
 */
export async function makePackage({ target = `${process.platform}-${process.arch}`, out } = {}) {
  if (!TARGETS.includes(target)) {
    throw new Fault(`There is no package for ${target}: onnxruntime-node supports only ${TARGETS.join(', ')}.`);
  }
  const manifest = shippedManifest();
  const missing = PROGRAMS.filter((file) => !existsSync(path.join(root, file)));
  if (missing.length > 0) throw new Fault(`${missing.join(', ')}: not built. Build with npm run build.`);
  const entries = packageEntries(target);
  const file = path.resolve(out ?? path.join(root, `luthier-${target}-${manifest.version}.vsix`));
  const bytes = await writeVsix(file, manifest, entries, target);
  return {
    file,
    bytes,
    files: entries.length,
    missing: STARTERS.filter((starter) => !entries.some(({ name }) => name === `${starter}/model.safetensors`)),
  };
}

async function main() {
  const { values } = parseArgs({ options: { target: { type: 'string' }, out: { type: 'string' } } });
  const { file, bytes, files, missing } = await makePackage(values);
  const megabytes = bytes / 1e6;
  console.log(`${path.relative(process.cwd(), file)}  ${megabytes.toFixed(1)} MB, ${files} files`);
  const { leftOut } = marketplaceReadme(root, shippedManifest());
  if (leftOut > 0) {
    console.warn(
      `The README comes without its ${leftOut} pictures: package.json names no "repository" on GitHub for their addresses.`,
    );
  }
  for (const starter of missing) console.warn(`${starter} is missing, so the package comes without it.`);
  if (megabytes > LIMIT_MB) throw new Fault(`The package is larger than ${LIMIT_MB} MB.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main();
  } catch (error) {
    const known = error instanceof Fault || error.code?.startsWith('ERR_PARSE_ARGS');
    console.error(known ? error.message : error);
    process.exitCode = known && !(error instanceof Fault) ? 2 : 1;
  }
}
