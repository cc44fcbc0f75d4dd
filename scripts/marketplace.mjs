// The README of the packed extension, made of media/marketplace/README.md.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const SOURCE = 'media/marketplace/README.md';

const PICTURE = /^!\[[^\]]*\]\((?!https:)([^)]*)\)\n\n?/gm;

/**
 * The packed README. VS Code shows no picture of an installed extension by a relative path nor by a data: address, only
 * by https, and draws a broken one in its place. So pictures lead to the public repository that package.json names, as
 * vsce writes them; without one they are left out.
 * @param {string} root folder of the checkout
 * @param {{ repository?: string | { url: string } }} manifest package.json
 * @returns {{ text: string, leftOut: number }} `leftOut`: pictures that have no address
 */
export function marketplaceReadme(root, { repository }) {
  const pictures = picturesAt(typeof repository === 'string' ? repository : repository?.url);
  let leftOut = 0;
  const text = readFileSync(path.join(root, SOURCE), 'utf8').replace(PICTURE, (whole, file) => {
    if (pictures) return whole.replace(file, pictures + path.posix.join(path.posix.dirname(SOURCE), file));
    leftOut++;
    return '';
  });
  return { text, leftOut };
}

/**
 * Where a repository's files are shown as they are, with a slash at the end; null for an address that is none of GitHub.
 * @param {string | undefined} url
 */
function picturesAt(url) {
  const [, name] = /^(?:git\+)?https:\/\/github\.com\/([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(url ?? '') ?? [];
  return name === undefined ? null : `https://github.com/${name}/raw/HEAD/`;
}
