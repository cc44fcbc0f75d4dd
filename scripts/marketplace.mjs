// The README of the packed extension, made of media/marketplace/README.md.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const SOURCE = 'media/marketplace/README.md';

/**
 * VS Code shows no picture of an installed extension by a relative path nor by a data: address, only by https, and
 * draws a broken one in its place. There is no such address yet, so the packed README goes without its pictures.
 * @param {string} root folder of the checkout
 * @returns {string}
 */
export function marketplaceReadme(root) {
  return readFileSync(path.join(root, SOURCE), 'utf8').replace(/^!\[[^\]]*\]\((?!https:)[^)]*\)\n\n?/gm, '');
}
