// Makes starters/bert from MiniLM: a smaller vocabulary, then the hidden states fitted to the full model's with our
// own engine. scripts/starter/README.md says where its inputs come from.
//   node scripts/starter/make.mjs --minilm FOLDER --corpus FILE --out starters/bert
import { rm } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { buildKernels, kernelsFile } from '../build-kernels.mjs';

await buildKernels(kernelsFile);
// Beside the kernels, where the engine looks for them.
const outfile = fileURLToPath(new URL(`../../dist/engine/starter-${process.pid}.mjs`, import.meta.url));
try {
  await build({
    entryPoints: [fileURLToPath(new URL('make.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // Of tfjs-core's two forms only the ES modules may be taken, or there are two registries.
    mainFields: ['module', 'main'],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    external: ['onnxruntime-node', '@tensorflow/tfjs-node'],
    logLevel: 'warning',
    outfile,
  });
  await import(pathToFileURL(outfile).href);
} finally {
  await rm(outfile, { force: true });
}
