// node scripts/build-tfjs-binding.mjs [node_modules/@tensorflow/tfjs-node]
// Builds the native part of @tensorflow/tfjs-node against the TensorFlow library of PyPI's wheel. tfjs-node's own
// install script would download both, but no install script runs here. What is made is kept in the user's cache.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import envPaths from 'env-paths';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const TENSORFLOW = '2.21.0';

/** Takes the libraries and the C headers out of the wheel. */
const UNPACK = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        if name.startswith(("tensorflow/libtensorflow_", "tensorflow/include/tensorflow/", "tensorflow/include/tsl/", "tensorflow/include/xla/tsl/")):
            wheel.extract(name, sys.argv[2])
`;

class Absent extends Error {}

/**
 * @param {string} program
 * @param {string[]} args
 */
function run(program, args) {
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (error) throw new Absent(`${program} did not start: ${error.message}`);
  if (status !== 0) throw new Absent(`${program} failed: ${stderr.trim().split('\n').slice(-5).join('\n')}`);
}

/**
 * Folder with TensorFlow's libraries and include/, unpacked once.
 * @param {string} cache
 */
function tensorflow(cache) {
  const folder = path.join(cache, `tensorflow-${TENSORFLOW}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(path.join(cache, 'unpack-'));
  try {
    const name = process.arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
    const pip = ['-m', 'pip', 'download', '-q', '--no-deps', '--only-binary=:all:', '-d', work];
    run('python3', [...pip, `${name}==${TENSORFLOW}`]);
    const [wheel] = readdirSync(work);
    run('python3', ['-c', UNPACK, path.join(work, wheel), work]);
    // Renamed when it is whole, so that a broken download leaves nothing that looks finished.
    renameSync(path.join(work, 'tensorflow'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/**
 * @param {string} tfjsNode
 * @param {string} library
 * @param {string} out
 */
function compile(tfjsNode, library, out) {
  const require = createRequire(path.join(root, 'test/package.json'));
  const headers = require('node-api-headers').include_dir;
  const aside = `${out}.${process.pid}`;
  run('g++', [
    ...['-O2', '-fPIC', '-shared', '-std=c++17', '-DNAPI_VERSION=8'],
    ...[`-I${headers}`, `-I${path.join(library, 'include')}`],
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => path.join(tfjsNode, 'binding', file)),
    ...[`-L${library}`, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2', `-Wl,-rpath,${library}`],
    ...['-o', aside],
  ]);
  renameSync(aside, out);
}

/**
 * Makes tfjs-node usable in place.
 * @param {string} tfjsNode its package folder
 * @returns {string} one sentence: ready, or why it is absent
 */
export function buildTfjsBinding(tfjsNode) {
  try {
    if (!existsSync(tfjsNode)) throw new Absent('the package is not installed');
    const target = path.join(tfjsNode, 'lib/napi-v8/tfjs_binding.node');
    if (existsSync(target)) return 'The native part of tfjs-node is present.';
    if (process.platform !== 'linux') throw new Absent('it can be built only on Linux');
    const { version } = JSON.parse(readFileSync(path.join(tfjsNode, 'package.json'), 'utf8'));
    const cache = path.join(envPaths('luthier', { suffix: '' }).cache, 'tfjs-node');
    const made = path.join(cache, `tfjs_binding-${version}-${TENSORFLOW}-${process.arch}.node`);
    const library = tensorflow(cache);
    if (!existsSync(made)) compile(tfjsNode, library, made);
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(made, target);
    return 'The native part of tfjs-node is built.';
  } catch (error) {
    if (!(error instanceof Absent)) throw error;
    return `The native part of tfjs-node is missing, so tests of the tensorflow backend are skipped: ${error.message}.`;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(
    buildTfjsBinding(path.resolve(process.argv[2] ?? path.join(root, 'test/node_modules/@tensorflow/tfjs-node'))),
  );
}
