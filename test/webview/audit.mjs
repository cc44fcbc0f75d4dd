// What a page would be faulted for: by axe-core's rules for WCAG 2.1 AA, and text that is cut off without a way to read it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../e2e/package.json', import.meta.url));
const source = () => readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/**
 * A line for each fault of what the page shows.
 * @param {import('./browser.mjs').Webview} view
 * @returns {Promise<string[]>}
 */
export async function audit({ page }) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(source());
  return await page.evaluate(async () => {
    const { axe } = /** @type {any} */ (window);
    const { violations } = await axe.run(
      { exclude: [['[disabled]']] },
      {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'],
        resultTypes: ['violations'],
        // Chromium takes Tab to whatever scrolls since version 130, as the VS Code that we ask for has it.
        rules: { 'scrollable-region-focusable': { enabled: false } },
      },
    );
    const said = violations.flatMap((/** @type {any} */ { id, nodes }) =>
      nodes.map((/** @type {any} */ { target, any, all, none }) => {
        const why = [...any, ...all, ...none][0]?.message ?? '';
        return `${id}: ${target.flat().join(' ')}: ${why}`;
      }),
    );
    const isCut = (/** @type {HTMLElement} */ element) => {
      const { overflowX, textOverflow } = getComputedStyle(element);
      const isHidden = overflowX === 'hidden' || overflowX === 'clip' || textOverflow === 'ellipsis';
      return isHidden && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1;
    };
    const cut = [...document.querySelectorAll('body *')]
      .filter((one) => one instanceof HTMLElement && isCut(one) && one.innerText.trim() !== '')
      .filter((one) => one.closest('[title]:not([title=""]), [aria-hidden="true"]') === null)
      .map((one) => {
        const { tagName, className, innerText } = /** @type {HTMLElement} */ (one);
        return `cut off: ${tagName.toLowerCase()}.${className}: “${innerText.trim().slice(0, 60)}”`;
      });
    return [...said, ...cut];
  });
}
