/** The page that a webview starts from. Knows nothing of vscode, so that its policy can be tested. */
export interface WebviewPage {
  title: string;
  /** `webview.cspSource`. */
  cspSource: string;
  /** `webview.asWebviewUri` of dist/webview/NAME.js, of its .css, and of dist/webview/codicon.css. */
  script: string;
  style: string;
  codicons: string;
  /** The text of dist/webview/guard.js, which shows and tells what fails in the page. */
  guard: string;
  /** Fresh for each page: at least 16 random bytes, in base64 or hex. */
  nonce: string;
  /** The editor's language, `vscode.env.language`: the page writes numbers and dates in it. */
  language: string;
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** A script as it may stand in a page: nothing in it ends the element, and its map is not looked for beside the page. */
const inlined = (script: string): string =>
  script.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '').replaceAll('</', '<\\/');

/**
 * A page that may run our scripts and nothing else: no style in it, no network, no frames, no forms. The guard stands
 * in the page itself, for a file of its own could be what does not load.
 * The link's id is where vscode-elements looks for the icon font.
 */
export const webviewHtml = (page: WebviewPage): string => {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${page.nonce}'`,
    `style-src ${page.cspSource} 'nonce-${page.nonce}'`,
    `font-src ${page.cspSource}`,
    // vscode-textarea draws its resize handle with a data: picture.
    `img-src ${page.cspSource} data:`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escapeHtml(page.language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<script nonce="${escapeHtml(page.nonce)}">${inlined(page.guard)}</script>
<link rel="stylesheet" id="vscode-codicon-stylesheet" nonce="${escapeHtml(page.nonce)}" href="${escapeHtml(page.codicons)}">
<link rel="stylesheet" nonce="${escapeHtml(page.nonce)}" href="${escapeHtml(page.style)}">
<title>${escapeHtml(page.title)}</title>
</head>
<body>
<main id="app"></main>
<script type="module" nonce="${escapeHtml(page.nonce)}" src="${escapeHtml(page.script)}"></script>
</body>
</html>
`;
};

/** A page that runs nothing and says one thing. */
export const wordsHtml = (title: string, text: string): string => `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<title>${escapeHtml(title)}</title>
</head>
<body>
<p role="alert">${escapeHtml(text)}</p>
</body>
</html>
`;
