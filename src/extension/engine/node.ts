import { access, constants, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { HostError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { FetchOptions } from './node-fetch.ts';
import { OLDEST_NODE, type Probe, type ProbeResult, probeNode } from './probe.ts';

export type NodeOrigin = 'setting' | 'path' | 'host' | 'storage' | 'electron';

/** The Node that runs the engine, and why this one. */
export interface NodeChoice {
  path: string;
  version: string;
  origin: NodeOrigin;
  /** Why it was chosen, in words, with what was passed over. */
  reason: string;
  /** What its children need beside the usual environment (Electron: ELECTRON_RUN_AS_NODE). */
  environment: Record<string, string>;
}

export interface NodeSources {
  /** `luthier.node.path`, empty when not set. */
  setting: string;
  /** The PATH variable. */
  searchPath: string;
  /** This process's own program, and the Electron that it is, if it is one. */
  host: { path: string; electron: string | undefined };
  /** Folder in which fetched Nodes are kept, one a version. */
  storage: string;
  platform: NodeJS.Platform;
  /** Asks the person for consent to a download; false keeps to what is there. */
  consent(): Promise<boolean>;
  fetch(options: Pick<FetchOptions, 'folder'>): Promise<string>;
  /** Whether the engine works on Electron's Node: tried in a child that may crash or hang. */
  selfTest(path: string, environment: Record<string, string>): Promise<{ ok: boolean; reason: string }>;
  probe?: (path: string) => Promise<ProbeResult>;
  log: Log;
}

/**
 * Chooses the Node that runs the engine: the setting's; one of 20 or newer on PATH; this process's own where that
 * is a plain Node (a remote or browser-served VS Code); one kept in storage or fetched with consent; last Electron's,
 * if it passes a self-test, since its allocator has made onnxruntime-node crash (microsoft/onnxruntime #29763).
 * Throws HostError `node-unusable` when the setting names no usable Node (a person's choice is not passed over in
 * silence), `node-not-found` when nothing is left, `node-download` when the download failed and Electron's fails too.
 */
export async function chooseNode(sources: NodeSources): Promise<NodeChoice> {
  const probe = sources.probe ?? probeNode;
  const passed: string[] = [];
  const chosen = (found: Probe, origin: NodeOrigin, why: string, environment: Record<string, string> = {}) => {
    const reason = [why, ...passed].join('; ');
    sources.log.info(`Node ${found.version} runs the engine: ${found.path} (${reason})`);
    return { path: found.path, version: found.version, origin, reason, environment };
  };

  if (sources.setting) {
    const result = await probe(sources.setting);
    if (result.ok) return chosen(result.probe, 'setting', 'set by luthier.node.path');
    throw new HostError(
      'node-unusable',
      `luthier.node.path names ${sources.setting}, which ${result.reason}.`,
      `Set it to Node.js ${OLDEST_NODE} or newer, or clear it to let Luthier find one.`,
      ['showLog'],
    );
  }

  for (const path of await nodesOnPath(sources.searchPath, sources.platform)) {
    const result = await probe(path);
    if (result.ok) return chosen(result.probe, 'path', 'first on PATH');
    passed.push(`${path} ${result.reason}`);
  }

  if (sources.host.electron === undefined) {
    const result = await probe(sources.host.path);
    if (result.ok) return chosen(result.probe, 'host', 'the Node that VS Code itself runs on');
    passed.push(`${sources.host.path} ${result.reason}`);
  }

  for (const path of await nodesInStorage(sources.storage, sources.platform)) {
    const result = await probe(path);
    if (result.ok) return chosen(result.probe, 'storage', 'downloaded earlier');
    passed.push(`${path} ${result.reason}`);
  }

  let failure: HostError | null = null;
  if (await sources.consent()) {
    try {
      const path = await sources.fetch({ folder: sources.storage });
      const result = await probe(path);
      if (result.ok) return chosen(result.probe, 'storage', 'just downloaded');
      passed.push(`the downloaded ${path} ${result.reason}`);
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      failure = error;
      passed.push(error.message);
      sources.log.error(error.message);
    }
  } else passed.push('the download was declined');

  if (sources.host.electron !== undefined) {
    const environment = { ELECTRON_RUN_AS_NODE: '1' };
    const test = await sources.selfTest(sources.host.path, environment);
    if (test.ok) {
      const version = process.versions.node;
      const found = { path: sources.host.path, version, major: Number(version.split('.')[0]) };
      return chosen(found, 'electron', "VS Code's own, which passed the self-test", environment);
    }
    passed.push(`VS Code's own failed the self-test: it ${test.reason}`);
  }

  sources.log.error(`No Node for the engine: ${passed.join('; ')}`);
  if (failure) throw failure;
  throw new HostError(
    'node-not-found',
    `Luthier needs Node.js ${OLDEST_NODE} or newer to train and found none that works.`,
    'Install it from nodejs.org, or set luthier.node.path, and restart the engine.',
    ['restartEngine', 'showLog'],
  );
}

/** Programs called `node` on a PATH, in its order, each once. */
export async function nodesOnPath(searchPath: string, platform: NodeJS.Platform): Promise<string[]> {
  const name = platform === 'win32' ? 'node.exe' : 'node';
  const found: string[] = [];
  for (const part of searchPath.split(platform === process.platform ? delimiter : platform === 'win32' ? ';' : ':')) {
    const folder = part.replace(/^"(.*)"$/, '$1');
    if (!folder) continue;
    const path = join(folder, name);
    if (found.includes(path)) continue;
    if (await isProgram(path)) found.push(path);
  }
  return found;
}

/** Nodes that were fetched, newest version first. */
export async function nodesInStorage(storage: string, platform: NodeJS.Platform): Promise<string[]> {
  const versions = await readdir(storage).catch(() => [] as string[]);
  const name = platform === 'win32' ? 'node.exe' : 'node';
  const newest = versions
    .filter((version) => /^\d+\.\d+\.\d+$/.test(version))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return newest.map((version) => join(storage, version, name));
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
