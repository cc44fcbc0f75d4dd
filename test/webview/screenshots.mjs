// node test/webview/screenshots.mjs [name…]: pictures of every view in every theme, narrow and wide, into output/, and
// what axe-core finds wrong with each.
// Build first: node esbuild.mjs webview
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { audit } from './audit.mjs';
import { launch, openWebview } from './browser.mjs';
import { scenes } from './scenes.mjs';

const output = path.join(path.dirname(fileURLToPath(import.meta.url)), 'output');
mkdirSync(output, { recursive: true });
const wanted = process.argv.slice(2);
const browser = await launch();
let bad = 0;
for (const scene of scenes) {
  if (wanted.length > 0 && !wanted.some((word) => scene.name.includes(word))) continue;
  const view = await openWebview(browser, scene);
  try {
    await scene.play(view);
    await view.settle();
    // Charts draw when they are on screen: the window becomes as high as the page.
    const height = await view.page.evaluate(() => document.documentElement.scrollHeight);
    await view.page.setViewportSize({ width: scene.width, height: Math.max(600, height) });
    await view.settle();
    const file = path.join(output, `${scene.name}.png`);
    await view.page.screenshot({ path: file, fullPage: scene.fullPage ?? true });
    const overflow = await view.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    if (overflow > 0) view.problems.push(`the page is ${overflow} px wider than its window`);
    // What axe-core does to the page in looking at it is none of the page's.
    const { length } = view.problems;
    const faults = await audit(view);
    view.problems.splice(length, Infinity, ...faults);
    console.log(`${path.relative(process.cwd(), file)}${view.problems.map((problem) => `\n  ${problem}`).join('')}`);
    bad += view.problems.length;
  } finally {
    await view.close();
  }
}
await browser.close();
process.exitCode = bad > 0 ? 1 : 0;
