import { expect, test } from 'vitest';
import { webviewHtml } from './html.ts';

const page = {
  title: 'A <run> & "more"',
  cspSource: 'https://*.vscode-cdn.net',
  script: 'https://file+.vscode-resource/dist/webview/dashboard.js',
  style: 'https://file+.vscode-resource/dist/webview/dashboard.css',
  codicons: 'https://file+.vscode-resource/dist/webview/codicon.css',
  nonce: 'bm9uY2U=',
  language: 'en',
};

test('only the nonced script may run, and nothing inline', () => {
  const html = webviewHtml(page);
  const policy = /content="([^"]*)"/
    .exec(html.slice(html.indexOf('Content-Security-Policy')))![1]!
    .replaceAll('&#39;', "'");
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'nonce-bm9uY2U='");
  expect(policy).not.toMatch(/unsafe|\*;|connect-src/);
  expect(html.match(/<script/g)).toHaveLength(1);
  expect(html).not.toMatch(/<style|style="|onload=/);
});

test('what comes from outside is escaped', () => {
  const html = webviewHtml({ ...page, language: '"><script>alert(1)</script>' });
  expect(html).toContain('<title>A &#60;run&#62; &#38; &#34;more&#34;</title>');
  expect(html.match(/<script/g)).toHaveLength(1);
});
