// Writes an extension's folder as a VSIX: a zip with the extension and two XML files that describe it, as
// https://code.visualstudio.com/api/working-with-extensions/publishing-extension and @vscode/vsce make it.
import { createReadStream, createWriteStream, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

/**
 * Media types of what an extension may hold; VS Code wants one for every file name's ending.
 * @type {Record<string, string>}
 */
const TYPES = {
  '.cjs': 'application/javascript',
  '.css': 'text/css',
  '.csv': 'text/csv',
  '.js': 'application/javascript',
  '.json': 'application/json',
  '.md': 'text/markdown',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.vsixmanifest': 'text/xml',
  '.wasm': 'application/wasm',
};

/** @param {unknown} text */
const escapeXml = (text) =>
  String(text).replace(
    /[<>&"']/g,
    (c) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;', "'": '&apos;' })[c] ?? c,
  );

/**
 * @param {Record<string, any>} manifest
 * @param {string | undefined} target
 * @param {string[][]} assets
 */
function manifestXml(manifest, target, assets) {
  const property = (/** @type {string} */ id, /** @type {unknown} */ value) =>
    value ? `      <Property Id="${id}" Value="${escapeXml(value)}" />\n` : '';
  const asset = (/** @type {string[]} */ [type, file]) =>
    `    <Asset Type="${type}" Path="extension/${escapeXml(file)}" Addressable="true" />\n`;
  const license = assets.find(([type]) => type.endsWith('.License'));
  const icon = assets.find(([type]) => type.endsWith('.Icons.Default'));
  return `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011" xmlns:d="http://schemas.microsoft.com/developer/vsx-schema-design/2011">
  <Metadata>
    <Identity Language="en-US" Id="${escapeXml(manifest.name)}" Version="${escapeXml(manifest.version)}" Publisher="${escapeXml(manifest.publisher)}"${target ? ` TargetPlatform="${escapeXml(target)}"` : ''} />
    <DisplayName>${escapeXml(manifest.displayName ?? manifest.name)}</DisplayName>
    <Description xml:space="preserve">${escapeXml(manifest.description ?? '')}</Description>
    <Tags>${escapeXml((manifest.keywords ?? []).join(','))}</Tags>
    <Categories>${escapeXml((manifest.categories ?? []).join(','))}</Categories>
    <GalleryFlags>Public</GalleryFlags>
    <Properties>
${property('Microsoft.VisualStudio.Code.Engine', manifest.engines.vscode)}${property('Microsoft.VisualStudio.Code.ExtensionKind', manifest.extensionKind?.join(','))}      <Property Id="Microsoft.VisualStudio.Code.ExecutesCode" Value="true" />
    </Properties>
${license ? `    <License>extension/${escapeXml(license[1])}</License>\n` : ''}${icon ? `    <Icon>extension/${escapeXml(icon[1])}</Icon>\n` : ''}  </Metadata>
  <Installation>
    <InstallationTarget Id="Microsoft.VisualStudio.Code" />
  </Installation>
  <Dependencies />
  <Assets>
    <Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true" />
${assets.map(asset).join('')}  </Assets>
</PackageManifest>
`;
}

/** @param {string[]} names */
function contentTypesXml(names) {
  const endings = new Set([...names.map((name) => path.posix.extname(name).toLowerCase()), '.vsixmanifest', '.json']);
  endings.delete('');
  const line = (/** @type {string} */ ending) =>
    `<Default Extension="${escapeXml(ending)}" ContentType="${TYPES[ending] ?? 'application/octet-stream'}" />`;
  return `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">${[...endings].sort().map(line).join('')}</Types>
`;
}

/**
 * @param {string} file the VSIX to write; it is there whole or not at all
 * @param {{ icon: string, [key: string]: any }} manifest package.json as it goes into the package
 * @param {{ name: string, source: string | Buffer }[]} entries names inside the extension with `/`, each with the path
 *   of a file or with its bytes
 * @param {string} [target] platform, such as linux-x64; left out for one that runs anywhere
 * @returns {Promise<number>} bytes written
 */
export async function writeVsix(file, manifest, entries, target) {
  const names = entries.map(({ name }) => name);
  const assets = [
    ['Microsoft.VisualStudio.Services.Content.Details', 'README.md'],
    ['Microsoft.VisualStudio.Services.Content.Changelog', 'CHANGELOG.md'],
    ['Microsoft.VisualStudio.Services.Content.License', 'LICENSE'],
    ['Microsoft.VisualStudio.Services.Icons.Default', manifest.icon],
  ].filter(([, name]) => names.includes(name));
  const zip = new ZipFile();
  const xml = (/** @type {string} */ text, /** @type {string} */ name) => zip.addBuffer(Buffer.from(text), name);
  xml(manifestXml(manifest, target, assets), 'extension.vsixmanifest');
  xml(contentTypesXml(names), '[Content_Types].xml');
  zip.addBuffer(Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`), 'extension/package.json');
  for (const { name, source } of entries) {
    const metadata = `extension/${name}`;
    if (Buffer.isBuffer(source)) zip.addBuffer(source, metadata);
    else
      zip.addReadStreamLazy(
        metadata,
        { size: statSync(source).size },
        (/** @type {(error: Error | null, stream: import("node:fs").ReadStream) => void} */ done) =>
          done(null, createReadStream(source)),
      );
  }
  zip.end();
  const aside = `${file}.${process.pid}`;
  try {
    await pipeline(zip.outputStream, createWriteStream(aside));
    renameSync(aside, file);
  } finally {
    rmSync(aside, { force: true });
  }
  return statSync(file).size;
}
