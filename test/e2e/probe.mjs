// The probe extension, as a VSIX, and what it has sampled.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeVsix } from '../../scripts/vsix.mjs';

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), 'probe');

/** @param {string} file where to write it */
export async function packProbe(file) {
  const manifest = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  await writeVsix(file, manifest, [{ name: 'probe.cjs', source: path.join(folder, 'probe.cjs') }]);
  return file;
}

/**
 * Samples between two moments (milliseconds since 1970): one a second.
 * @param {string} file
 * @param {number} from
 * @param {number} to
 */
export async function samplesBetween(file, from, to) {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line))
    .filter(({ t }) => t >= from && t <= to);
}
