import { readdir, readFile, stat } from 'node:fs/promises';
import { release, uptime } from 'node:os';
import { join } from 'node:path';

/** That `auto` found the graphics card not to work. */
export interface CardFailure {
  /** When it first failed, of those times after which it has not worked, and when it was last tried. */
  since: string;
  tried: string;
  reason: string;
  /** What the machine told of its drivers then. */
  drivers: string;
}

/** What decides whether a card that failed is tried again. */
export interface Now {
  /** In ms since 1970. */
  time: number;
  /** Seconds since the machine was started. */
  uptime: number;
  drivers: string;
}

const DAY_MS = 86_400_000;
/** Clocks are set in between. */
const SLACK_MS = 60_000;

/** When a card is tried again though nothing has changed. */
export const triedAgainAt = ({ tried }: CardFailure): string => new Date(Date.parse(tried) + DAY_MS).toISOString();

/** Whether there is reason to hope: a day is over, the machine was started again, or its drivers are others. */
export function isWorthTrying(failure: CardFailure, { time, uptime, drivers }: Now): boolean {
  const ago = time - Date.parse(failure.tried);
  // A clock that was set back, or a date that cannot be read, would keep the card out for good.
  const isRecent = ago > -SLACK_MS && ago < DAY_MS;
  return !isRecent || 1000 * uptime < ago - SLACK_MS || drivers !== failure.drivers;
}

export const now = async (): Promise<Now> => ({ time: Date.now(), uptime: uptime(), drivers: await driversHere() });

/** Vulkan's manifests of drivers, one a file (Khronos, Vulkan-Loader, LoaderDriverInterface.md). */
const MANIFESTS = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d'];
const DEVICES = ['/dev', '/dev/dri'];

/**
 * What changes with a graphics driver, as far as that is seen without asking it: the system's version, with which Apple's
 * drivers come, and on Linux NVIDIA's module, Vulkan's manifests and the cards' device files. Windows tells no more.
 */
export async function driversHere(): Promise<string> {
  if (process.platform !== 'linux') return release();
  const named = [process.env.VK_DRIVER_FILES, process.env.VK_ICD_FILENAMES].flatMap((files) => files?.split(':') ?? []);
  const [nvidia, manifests, devices] = await Promise.all([
    readFile('/sys/module/nvidia/version', 'utf8').catch(() => ''),
    Promise.all([...(await filesIn(MANIFESTS)), ...named].sort().map(dated)),
    filesIn(DEVICES),
  ]);
  const cards = devices.filter((file) => /^\/dev\/(nvidia\d+|dxg|dri\/render.*)$/.test(file)).sort();
  return [release(), nvidia.trim(), ...manifests, ...cards].join(' | ');
}

async function filesIn(folders: readonly string[]): Promise<string[]> {
  const all = folders.map(async (folder) => (await readdir(folder).catch(() => [])).map((name) => join(folder, name)));
  return (await Promise.all(all)).flat();
}

const dated = async (file: string): Promise<string> =>
  `${file} ${await stat(file)
    .then(({ mtime }) => mtime.toISOString())
    .catch(() => 'missing')}`;
