// Which of the processes around a VS Code compute how much. Linux only, as the tests are.
import { readdir, readFile } from 'node:fs/promises';

const TICK_MS = 10;

/** Every process with its parent, its arguments and the time that it has computed, in milliseconds. */
async function processes() {
  const found = new Map();
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  await Promise.all(
    ids.map(async (id) => {
      const [stat, args] = await Promise.all(
        ['stat', 'cmdline'].map((file) => readFile(`/proc/${id}/${file}`, 'utf8').catch(() => '')),
      );
      if (!stat) return;
      // Behind the program's name, which may hold anything.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      found.set(Number(id), {
        parent: Number(fields[1]),
        args,
        ms: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
      });
    }),
  );
  return found;
}

/**
 * What is below the VS Code server and below this program, each with its kind.
 * @param {number} server process id of the VS Code server
 */
async function kinds(server) {
  const all = await processes();
  const found = [];
  for (const { parent, args, ms } of all.values()) {
    let above = parent;
    while (above !== server && above !== process.pid && all.has(above)) above = all.get(above).parent;
    if (above === process.pid && !args.includes('code-server')) found.push({ kind: 'browser', ms });
    if (above !== server) continue;
    if (args.includes('--type=extensionHost')) found.push({ kind: 'extension host', ms });
    else found.push({ kind: args.includes('/engine/') ? 'engine service' : 'VS Code server', ms });
  }
  return found;
}

/**
 * How many windows' extension hosts live.
 * @param {number} server
 */
export const extensionHosts = async (server) =>
  (await kinds(server)).filter(({ kind }) => kind === 'extension host').length;

/** @param {number} server */
async function used(server) {
  /** @type {Record<string, number>} */
  const sum = { 'extension host': 0, 'engine service': 0, 'VS Code server': 0, browser: 0 };
  for (const { kind, ms } of await kinds(server)) sum[kind] += ms;
  return sum;
}

/**
 * Milliseconds that each kind of process computed a second while `work` was done.
 * @param {number} server process id of the VS Code server
 * @param {() => Promise<any>} work
 */
export async function cpuUse(server, work) {
  const before = await used(server);
  const from = performance.now();
  const result = await work();
  const seconds = (performance.now() - from) / 1000;
  const after = await used(server);
  const use = Object.entries(after).map(([kind, ms]) => [kind, Math.max(0, ms - before[kind]) / seconds]);
  return { result, use: Object.fromEntries(use) };
}
