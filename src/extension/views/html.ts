/** The page that a webview starts from. Knows nothing of vscode, so that its policy can be tested. */
export interface WebviewPage {
  title: string;
  /** `webview.cspSource`. */
  cspSource: string;
  /** `webview.asWebviewUri` of dist/webview/NAME.js, of its .css, and of dist/webview/codicon.css. */
  script: string;
  style: string;
  codicons: string;
  /** Fresh for each page: at least 16 random bytes, in base64 or hex. */
  nonce: string;
  /** The editor's language, `vscode.env.language`. */
  language: string;
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/**
 * A page that may run our script and nothing else: no inline script or style, no network, no frames, no forms.
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
