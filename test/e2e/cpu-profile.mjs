// Our share of what a page's main thread computes, from a CPU profile.

const EVERY_US = 200;
const FRAME_US = 1e6 / 60;

/**
 * Profiles the thread of a webview for some seconds.
 * @param {import('playwright-core').Frame} frame the webview's page
 * @param {RegExp} ours what the addresses of our scripts look like
 * @param {number} seconds
 * @returns {Promise<{ perSecond: number, frames: number[] }>} milliseconds of wall time in which our script, or what it
 *   called, stood on the stack: a second, and within each sixtieth of a second that had any, sorted
 */
export async function profileScripting(frame, ours, seconds) {
  const page = frame.page();
  const context = page.context();
  // A webview in a process of its own has a session of its own, one in the workbench's process has none.
  const session = await context.newCDPSession(frame).catch(() => context.newCDPSession(page));
  await session.send('Profiler.enable');
  await session.send('Profiler.setSamplingInterval', { interval: EVERY_US });
  await session.send('Profiler.start');
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const { profile } = await session.send('Profiler.stop');
  const { samples = [], timeDeltas = [] } = profile;
  await session.detach();
  const isOurs = new Map();
  const mark = (/** @type {any} */ node, /** @type {boolean} */ inherited) => {
    const own = inherited || ours.test(node.callFrame.url);
    isOurs.set(node.id, own);
    for (const child of node.children ?? []) mark(byId.get(child), own);
  };
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  mark(profile.nodes[0], false);
  if (![...isOurs.values()].some(Boolean)) throw new Error(`No script like ${ours} ran in ${seconds} s.`);
  /** @type {number[]} */
  const frames = [];
  let [now, began, total] = [profile.startTime, Number.NEGATIVE_INFINITY, 0];
  samples.forEach((id, i) => {
    // A sample stands for the time until the next one.
    now += timeDeltas[i];
    const lasted = timeDeltas[i + 1] ?? 0;
    if (!isOurs.get(id)) return;
    if (now - began >= FRAME_US) {
      began = now;
      frames.push(0);
    }
    frames[frames.length - 1] += lasted / 1000;
    total += lasted / 1000;
  });
  return { perSecond: total / seconds, frames: frames.sort((a, b) => a - b) };
}
