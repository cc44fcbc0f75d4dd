import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readOwnFile } from '../files/regular-file.ts';
import { homeProblem, placeProblem, runFolderProblem } from './folders.ts';

const isWindows = process.platform === 'win32';
let base: string;
let elsewhere: string;
let run: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'luthier guard ü-'));
  elsewhere = join(base, 'elsewhere');
  run = join(base, 'project', '.luthier', 'runs', 'r');
  await mkdir(elsewhere);
  await mkdir(join(run, 'checkpoints', 'checkpoint-5'), { recursive: true });
  await writeFile(join(run, 'run.json'), '{}');
  await writeFile(join(run, 'checkpoints', 'checkpoint-5', 'moments.safetensors'), 'x');
});
afterEach(() => rm(base, { recursive: true }));

/** A link to a folder: on Windows a junction, which needs no rights. */
const linkFolder = (to: string, path: string) => symlink(to, path, 'junction');

describe('a run’s folder', () => {
  it('of real files and folders has no problem, and neither has one that is not there yet', async () => {
    expect(await runFolderProblem(run)).toBeNull();
    expect(await placeProblem(join(base, 'project', '.luthier', 'runs', 'new'))).toBeNull();
    expect(await homeProblem(join(base, 'none', '.luthier'), 'runs')).toBeNull();
  });

  it.each([['.luthier'], ['.luthier/runs'], ['.luthier/runs/r']])('is refused where %s is a link', async (part) => {
    const project = join(base, 'linked');
    const path = join(project, part);
    await mkdir(join(path, '..'), { recursive: true });
    await linkFolder(join(base, 'project', part), path);
    const folder = join(project, '.luthier', 'runs', 'r');
    expect(await placeProblem(folder)).toContain(`${path} is a link`);
    expect(await runFolderProblem(folder)).toContain(`${path} is a link`);
    if (part !== '.luthier/runs/r') expect(await homeProblem(join(project, '.luthier'), 'runs')).toContain('is a link');
  });

  it('may stand below a link: where a project is, its owner decides', async () => {
    await linkFolder(join(base, 'project'), join(base, 'shortcut'));
    expect(await runFolderProblem(join(base, 'shortcut', '.luthier', 'runs', 'r'))).toBeNull();
  });

  it.each(['checkpoints', 'model', 'adapter', 'checkpoints/.tmp-3'])('is refused with a link at %s', async (part) => {
    const path = join(run, part);
    await rm(path, { recursive: true, force: true });
    await linkFolder(elsewhere, path);
    expect(await runFolderProblem(run)).toContain(`${path} is a link`);
  });

  it.skipIf(isWindows).each(['metrics.jsonl', 'run.log', 'run.json', 'endpoint.json', 'model/config.json'])(
    'is refused with a link, a hard link or a pipe as %s',
    async (name) => {
      const path = join(run, name);
      const target = join(elsewhere, 'profile');
      await writeFile(target, 'theirs');
      await mkdir(join(path, '..'), { recursive: true });
      await rm(path, { force: true });
      await symlink(target, path);
      expect(await runFolderProblem(run)).toContain(`${path} is a link`);
      await expect(readOwnFile(path, 100)).rejects.toThrow('is a link');
      await rm(path);
      await link(target, path);
      expect(await runFolderProblem(run)).toContain(`${path} is a hard link`);
      await rm(path);
      execFileSync('mkfifo', [path]);
      expect(await runFolderProblem(run)).toContain(`${path} is not a file`);
      await expect(readOwnFile(path, 100)).rejects.toThrow('is a pipe, not a file');
    },
  );

  it.skipIf(process.getuid?.() !== 0)('of another user is refused (only root can make one)', async () => {
    const { chown } = await import('node:fs/promises');
    await chown(join(run, 'run.json'), 65534, 65534);
    expect(await runFolderProblem(run)).toContain('run.json belongs to another user');
    await chown(run, 65534, 65534);
    expect(await runFolderProblem(run)).toContain('belongs to another user');
  });
});
