/**
 * How the engine's processes are started. The terminal and the editor both import this, so that a run has the same
 * arguments, environment and working directory whichever door it came through.
 */

type Environment = Record<string, string | undefined>;

/**
 * Settings of glibc's malloc under which it keeps freed memory and hands it out again, whatever its size. Each
 * compiled shape is an onnxruntime session; with an arena of its own each would hold its peak for good, so that
 * eight shapes of a MiniLM hold 1.9 GB. With one malloc for all they share, and no page is touched for the first time
 * twice: measured on BERT-base 8 × 128 (2 AMD cores), 3,161 ms a step against 3,230 with arenas.
 * They are read when a process starts, so whoever starts one passes them on.
 * @param platform `process.platform`; only Linux has glibc
 */
export const mallocEnvironment = (platform: string): Readonly<Record<string, string>> =>
  platform === 'linux' ? { MALLOC_MMAP_THRESHOLD_: '4000000000', MALLOC_TRIM_THRESHOLD_: '8000000000' } : {};

/**
 * Environment of an engine process: `base` without what an editor or a debugger puts there for its own processes
 * (NODE_OPTIONS, ELECTRON_*, VSCODE_*), with the engine's settings of malloc, and `extra` over both. Electron's binary
 * has an allocator of its own that does not read them: where `extra` says that it is the program, they are left out,
 * and onnxruntime keeps its arenas.
 */
export function engineEnvironment(
  base: Environment,
  platform: string,
  extra: Environment = {},
): Record<string, string> {
  const kept: Environment = {};
  for (const [name, value] of Object.entries(base)) {
    // Windows knows no case in names.
    const upper = name.toUpperCase();
    if (upper === 'NODE_OPTIONS' || upper.startsWith('VSCODE_') || upper.startsWith('ELECTRON_')) continue;
    kept[name] = value;
  }
  const malloc = extra.ELECTRON_RUN_AS_NODE === undefined ? mallocEnvironment(platform) : {};
  const given = Object.entries({ ...kept, ...malloc, ...extra });
  return Object.fromEntries(given.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

export interface RunLaunch {
  resume: boolean;
  /** Milliseconds since the epoch at which the person's command began: what `time_to_first_step_s` counts from. */
  since: number;
}

/** Arguments of the Node that runs a run: `run.cjs FOLDER [--resume] --since=MS`. */
export const runArguments = (runner: string, folder: string, { resume, since }: RunLaunch): string[] => [
  runner,
  folder,
  ...(resume ? ['--resume'] : []),
  `--since=${Math.round(since)}`,
];
