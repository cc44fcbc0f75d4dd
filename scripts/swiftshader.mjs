// WebGPU without a graphics card: SwiftShader, the software Vulkan driver that comes with Chromium, for the tests.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { extract } from 'tar-stream';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const archive = path.join(root, 'test/e2e/node_modules/@sparticuz/chromium/bin/swiftshader.tar.br');
/** Of the archive; the rest is OpenGL's. */
const WANTED = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'];

/**
 * Environment in which WebGPU's tests run: the caller's where it asks for them itself (LUTHIER_TEST_WEBGPU=1, on a
 * machine with a graphics card), else SwiftShader's, unpacked into `folder`.
 * @returns {Promise<{ env: Record<string, string>, note: string }>} without variables where it cannot be had
 * @param {string} folder
 */
export async function webGpuEnvironment(folder) {
  if (process.env.LUTHIER_TEST_WEBGPU === '1') return { env: {}, note: 'WebGPU runs on this machine’s own driver.' };
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return {
      env: {},
      note: `No SwiftShader for ${process.platform} ${process.arch}: the tests of webgpu are skipped.`,
    };
  }
  if (!existsSync(archive)) return { env: {}, note: `${archive} is missing: the tests of webgpu are skipped.` };
  mkdirSync(folder, { recursive: true });
  const unpacking = extract();
  unpacking.end(brotliDecompressSync(readFileSync(archive)));
  for await (const entry of unpacking) {
    const name = path.basename(entry.header.name);
    /** @type {Buffer[]} */
    const parts = [];
    for await (const part of entry) parts.push(/** @type {Buffer} */ (part));
    if (WANTED.includes(name)) writeFileSync(path.join(folder, name), Buffer.concat(parts));
  }
  const others = process.env.LD_LIBRARY_PATH;
  return {
    env: {
      LUTHIER_TEST_WEBGPU: '1',
      VK_ICD_FILENAMES: path.join(folder, 'vk_swiftshader_icd.json'),
      LD_LIBRARY_PATH: others ? `${folder}:${others}` : folder,
    },
    note: "WebGPU runs on SwiftShader, Chromium's software driver.",
  };
}
