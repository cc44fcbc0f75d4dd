// The README of the packed extension, made of media/marketplace/README.md.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const SOURCE = 'media/marketplace/README.md';

/**
 * VS Code shows no picture of an installed extension by a relative path, so its README carries the pictures itself.
 * @param {string} root folder of the checkout
 * @returns {string}
 */
export function marketplaceReadme(root) {
  const file = path.join(root, SOURCE);
  const picture = (target) => readFileSync(path.resolve(path.dirname(file), target)).toString('base64');
  return readFileSync(file, 'utf8').replace(
    /!\[([^\]]*)\]\(([^)\s]+\.png)\)/g,
    (_, alt, target) => `![${alt}](data:image/png;base64,${picture(target)})`,
  );
}
