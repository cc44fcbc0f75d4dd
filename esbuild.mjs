// One build for each runtime. node esbuild.mjs [engine|extension|webview]… [--watch]
import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, watch } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { context } from 'esbuild';
import { buildKernels, kernelsFile, kernelsFolder } from './scripts/build-kernels.mjs';

const root = path.dirname(fileURLToPath(import.meta.url));
const watching = process.argv.includes('--watch');
const chosen = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
/** @param {string} name */
const wants = (name) => chosen.length === 0 || chosen.includes(name);

/** @type {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  absWorkingDir: root,
  sourcemap: true,
  // A trace needs names and lines; the sources themselves need not be shipped twice.
  sourcesContent: false,
  minifySyntax: !watching,
  minifyWhitespace: !watching,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};

/** @type {import('esbuild').BuildOptions} */
const node = {
  ...common,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  outExtension: { '.js': '.cjs' },
  // Of tfjs-core's two forms only the ES modules may be taken, or there are two registries (design/facts).
  mainFields: ['module', 'main'],
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
};

/**
 * Bundles by runtime. Dynamic imports stay in their file, but run only when they are asked for.
 * @type {Record<string, import('esbuild').BuildOptions>}
 */
const builds = {
  engine: {
    ...node,
    entryPoints: {
      cli: 'src/engine/cli.ts',
      run: 'src/engine/runs/process.ts',
      service: 'src/engine/service/main.ts',
      host: 'src/engine/service/host/main.ts',
      probe: 'src/engine/tensor/executors/probe-process.ts',
      'prompt-thread': 'src/engine/prompts/thread.ts',
    },
    outdir: 'dist/engine',
    external: ['onnxruntime-node', '@tensorflow/tfjs-node'],
  },
  bench: {
    ...node,
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    define: {},
    // What CommonJS code inside an ES module expects and does not find by itself.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url), __dirname = import.meta.dirname ?? require('node:path').dirname(require('node:url').fileURLToPath(import.meta.url));",
    },
    entryPoints: {
      main: 'bench/main.ts',
      step: 'bench/step.ts',
      'next-token': 'bench/next-token.ts',
      tune: 'bench/tune.ts',
      completion: 'bench/completion.ts',
      growth: 'bench/growth.ts',
      'starter-table': 'bench/starter-table.ts',
      'decoder-table': 'bench/decoder-table.ts',
    },
    outdir: 'dist/bench',
    external: ['onnxruntime-node', '@tensorflow/tfjs-node'],
  },
  extension: {
    ...node,
    entryPoints: {
      activate: 'src/extension/activate.ts',
      'recipe-text': 'src/engine/recipes/check-recipe-text.ts',
    },
    outdir: 'dist/extension',
    external: ['vscode'],
  },
  webview: {
    ...common,
    entryPoints: {
      chat: 'src/webview/chat/main.ts',
      comparison: 'src/webview/comparison/main.ts',
      completions: 'src/webview/completions/main.ts',
      dashboard: 'src/webview/dashboard/main.ts',
      dataset: 'src/webview/dataset/main.ts',
      prompt: 'src/webview/prompt/main.ts',
      runs: 'src/webview/runs/main.ts',
      tryout: 'src/webview/tryout/main.ts',
      guard: 'src/webview/shared/guard.ts',
    },
    outdir: 'dist/webview',
    platform: 'browser',
    format: 'esm',
    target: 'chrome122',
    // Not split: a page that is whole in one file opens a round trip earlier.
    loader: { '.ttf': 'file', '.svg': 'dataurl' },
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: false } },
  },
};

/**
 * What each build needs beside its bundle.
 * @type {Record<string, () => Promise<void>>}
 */
const extras = {
  engine: async () => {
    await buildKernels(kernelsFile);
    // tfjs's WebAssembly backend, with SIMD: every Node that runs Luthier has it.
    cpSync(
      'node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm',
      'dist/engine/tfjs-backend-wasm-simd.wasm',
    );
    if (existsSync('dist/engine/cli.cjs')) chmodSync('dist/engine/cli.cjs', 0o755);
    if (!watching) return;
    watch(kernelsFolder, () => {
      buildKernels(kernelsFile).catch((error) => console.error(error.message));
    });
  },
  webview: async () => {
    mkdirSync('dist/webview', { recursive: true });
    for (const file of ['codicon.css', 'codicon.ttf']) {
      cpSync(path.join('node_modules/@vscode/codicons/dist', file), path.join('dist/webview', file));
    }
  },
};

/** @param {string} name */
async function build(name) {
  if (name === 'webview') rmSync('dist/webview/chunks', { recursive: true, force: true });
  const made = await context(builds[name]);
  if (watching) {
    await made.watch();
  } else {
    try {
      const { metafile } = await made.rebuild();
      for (const [file, { bytes, entryPoint }] of Object.entries(metafile?.outputs ?? {})) {
        if (entryPoint) console.log(`${file}  ${(bytes / 1024).toFixed(0)} KiB`);
      }
    } finally {
      // Otherwise esbuild's own process would keep this one alive after an error.
      await made.dispose();
    }
  }
  await extras[name]?.();
}

process.chdir(root);
try {
  await Promise.all(Object.keys(builds).filter(wants).map(build));
  if (watching) console.log('Watching for changes.');
} catch (error) {
  // esbuild has printed its own messages.
  if (!error.errors) console.error(error.message);
  process.exitCode = 1;
}
