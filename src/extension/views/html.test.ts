import { expect, test } from 'vitest';
import { webviewHtml, wordsHtml } from './html.ts';

const page = {
  title: 'A <run> & "more"',
  cspSource: 'https://*.vscode-cdn.net',
  script: 'https://file+.vscode-resource/dist/webview/dashboard.js',
  style: 'https://file+.vscode-resource/dist/webview/dashboard.css',
  codicons: 'https://file+.vscode-resource/dist/webview/codicon.css',
  guard: 'watch("</script><script>");\n//# sourceMappingURL=guard.js.map\n',
  nonce: 'bm9uY2U=',
  language: 'en',
};

test('only the nonced scripts may run: the guard in the page, before all that it watches, and the page’s own', () => {
  const html = webviewHtml(page);
  const policy = /content="([^"]*)"/
    .exec(html.slice(html.indexOf('Content-Security-Policy')))![1]!
    .replaceAll('&#39;', "'");
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'nonce-bm9uY2U='");
  expect(policy).not.toMatch(/unsafe|\*;|connect-src/);
  const scripts = [...html.matchAll(/<script([^>]*)>([^<]*(?:<(?!\/script>)[^<]*)*)<\/script>/g)];
  expect(scripts.map(([, attributes, text]) => [attributes, text])).toEqual([
    [' nonce="bm9uY2U="', 'watch("<\\/script><script>");'],
    [` type="module" nonce="bm9uY2U=" src="${page.script}"`, ''],
  ]);
  expect(html.indexOf(scripts[0]![0])).toBeLessThan(html.indexOf('<link'));
  expect(html).not.toMatch(/<style|style="|onload=/);
});

test('what comes from outside is escaped', () => {
  const html = webviewHtml({ ...page, language: '"><script>alert(1)</script>' });
  expect(html).toContain('<title>A &#60;run&#62; &#38; &#34;more&#34;</title>');
  expect(html).toContain('<html lang="&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;">');
});

test('a page of words runs nothing', () => {
  const html = wordsHtml('A <run>', 'Files are <missing>.');
  expect(html).toContain("default-src 'none'");
  expect(html).toContain('<p role="alert">Files are &#60;missing&#62;.</p>');
  expect(html).not.toContain('<script');
});
