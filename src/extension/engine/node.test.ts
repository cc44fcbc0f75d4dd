import { mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HostError } from '../errors.ts';
import { silentLog } from '../log.ts';
import { ANSWERING, program, temporaryFolder } from '../testing/programs.ts';
import { chooseNode, type NodeSources, nodesInStorage, nodesOnPath } from './node.ts';
import { probeNode } from './probe.ts';
import { selfTest } from './self-test.ts';

// Stand-in programs are scripts with a #! line.
const unix = describe.skipIf(process.platform === 'win32');

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** Sources with nothing in them. */
function nothing(): NodeSources {
  return {
    setting: '',
    searchPath: '',
    host: { path: join(folder.path, 'electron'), electron: '37.0.0' },
    storage: join(folder.path, 'storage'),
    platform: process.platform,
    consent: vi.fn(async () => false),
    fetch: vi.fn(async () => ''),
    selfTest: vi.fn(async () => ({ ok: false, reason: 'failed' })),
    log: silentLog,
  };
}

/** A program that says that it is Node `version`. */
const says = (path: string, version: string) => program(path, `console.log(${JSON.stringify(version)})`);

unix('chooseNode', () => {
  test("takes the setting's, and nothing else is asked", async () => {
    const path = says(join(folder.path, 'my node'), '22.1.0');
    const sources = { ...nothing(), setting: path };
    expect(await chooseNode(sources)).toMatchObject({ path, version: '22.1.0', origin: 'setting', environment: {} });
    expect(sources.consent).not.toHaveBeenCalled();
  });

  test.each([
    ['too old', (path: string) => says(path, '18.20.0'), /is Node 18\.20\.0, older than 20/],
    ['no Node', (path: string) => program(path, 'console.log("hello")'), /is not Node\.js/],
    ['missing', (path: string) => path, /does not exist/],
    [
      'not executable',
      (path: string) => {
        writeFileSync(path, '');
        return path;
      },
      /cannot be executed/,
    ],
  ])('refuses a setting that is %s instead of passing it over', async (_what, make, expected) => {
    const good = join(folder.path, 'bin');
    mkdirSync(good);
    says(join(good, 'node'), '22.0.0');
    const setting = make(join(folder.path, 'chosen'));
    const error = await chooseNode({ ...nothing(), setting, searchPath: good }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(HostError);
    expect(error).toMatchObject({ code: 'node-unusable', message: expect.stringMatching(expected) });
  });

  test('takes the first on PATH that is new enough, and says what was passed over', async () => {
    const [old, good] = [join(folder.path, 'old'), join(folder.path, 'good')];
    mkdirSync(old);
    mkdirSync(good);
    says(join(old, 'node'), '16.0.0');
    const path = says(join(good, 'node'), '20.0.0');
    const searchPath = [join(folder.path, 'missing'), old, good].join(delimiter);
    const choice = await chooseNode({ ...nothing(), searchPath });
    expect(choice).toMatchObject({ path, origin: 'path' });
    expect(choice.reason).toContain('16.0.0');
  });

  test("takes this process's own where that is a plain Node", async () => {
    const sources = { ...nothing(), host: { path: process.execPath, electron: undefined } };
    expect(await chooseNode(sources)).toMatchObject({ path: process.execPath, origin: 'host' });
  });

  test('takes the newest that was fetched before, without asking', async () => {
    const sources = nothing();
    for (const version of ['22.9.0', '22.14.0']) {
      mkdirSync(join(sources.storage, version), { recursive: true });
      says(join(sources.storage, version, 'node'), version);
    }
    mkdirSync(join(sources.storage, '.fetch-half'), { recursive: true });
    expect(await chooseNode(sources)).toMatchObject({ version: '22.14.0', origin: 'storage' });
    expect(sources.consent).not.toHaveBeenCalled();
  });

  test('fetches one with consent', async () => {
    const sources = nothing();
    const path = join(folder.path, 'fetched');
    sources.consent = async () => true;
    sources.fetch = async () => says(path, '22.20.0');
    expect(await chooseNode(sources)).toMatchObject({
      path,
      origin: 'storage',
      reason: expect.stringContaining('just downloaded'),
    });
  });

  test("takes Electron's only without consent and after its self-test, with what makes it a Node", async () => {
    const sources = nothing();
    sources.selfTest = vi.fn(async () => ({ ok: true, reason: 'works' }));
    const choice = await chooseNode(sources);
    expect(choice).toMatchObject({ origin: 'electron', environment: { ELECTRON_RUN_AS_NODE: '1' } });
    expect(sources.consent).toHaveBeenCalledOnce();
    expect(sources.fetch).not.toHaveBeenCalled();
    expect(sources.selfTest).toHaveBeenCalledWith(sources.host.path, { ELECTRON_RUN_AS_NODE: '1' });
  });

  test('says that there is none, with the way out', async () => {
    const error = await chooseNode(nothing()).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'node-not-found', hint: expect.stringContaining('luthier.node.path') });
  });

  test("names a failed download as the reason when Electron's fails too", async () => {
    const sources = nothing();
    sources.consent = async () => true;
    sources.fetch = async () => {
      throw new HostError('node-download', 'The registry is not there.');
    };
    const error = await chooseNode(sources).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'node-download', message: 'The registry is not there.' });
  });
});

unix("Electron's self-test, with a stand-in program", () => {
  const electron = (script: string) => program(join(folder.path, 'electron'), script);
  const environment = { ELECTRON_RUN_AS_NODE: '1' };

  test('passes when the engine answers', async () => {
    const path = electron(`if (process.env.ELECTRON_RUN_AS_NODE !== '1') process.exit(3);${ANSWERING}`);
    expect(await selfTest(path, environment, '/service.cjs')).toEqual({ ok: true, reason: 'works' });
  });

  test.each([
    ['crashes at once', 'process.kill(process.pid, "SIGSEGV")', /signal SIGSEGV/],
    [
      'crashes while it measures',
      `process.stdin.on('data', (chunk) => { if (String(chunk).includes('backends')) process.abort(); });${ANSWERING}`,
      /signal SIGABRT/,
    ],
    ['hangs', 'setInterval(() => {}, 1000)', /No answer|did not answer/],
    ['babbles', 'console.log("I am no engine\\r\\n\\r\\n"); setInterval(() => {}, 1000)', /failed/],
    ['ends politely', 'process.exit(0)', /exit code 0/],
  ])('fails when it %s, and does no harm', async (what, script, expected) => {
    // Only for one that says nothing is the wait cut short; whatever ends does so in its own time.
    const limit = what === 'hangs' || what === 'babbles' ? 1500 : undefined;
    const result = await selfTest(electron(script), environment, '/service.cjs', limit);
    expect(result.ok).toBe(false);
    expect(result.reason).toMatch(expected);
  });
});

unix('probeNode', () => {
  test('does not wait for ever', async () => {
    const path = program(join(folder.path, 'slow'), 'setInterval(() => {}, 1000)');
    expect(await probeNode(path, 300)).toEqual({ ok: false, reason: 'did not answer within 0.3 s' });
  });

  test('finds what runs this test', async () => {
    const result = await probeNode(process.execPath);
    expect(result).toMatchObject({ ok: true, probe: { version: process.versions.node } });
  });

  test('does not pass NODE_OPTIONS on', async () => {
    vi.stubEnv('NODE_OPTIONS', '--require /nowhere.cjs');
    try {
      expect((await probeNode(process.execPath)).ok).toBe(true);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

test('a PATH is read in order, each program once, empty and quoted parts too', async () => {
  const bin = join(folder.path, 'bin');
  mkdirSync(bin);
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const path = join(bin, name);
  program(path, '');
  const found = await nodesOnPath(['', `"${bin}"`, bin].join(delimiter), process.platform);
  expect(found).toEqual([path]);
});

test('no storage folder is an empty one', async () => {
  expect(await nodesInStorage(join(folder.path, 'none'), 'linux')).toEqual([]);
});
