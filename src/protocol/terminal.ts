/** Commands of the terminal's program, by which a hint is known to be for somebody who can type them. */
export const TERMINAL_COMMANDS = [
  ...['train', 'compare-ways', 'compare-models', 'evaluate', 'predict', 'generate', 'complete', 'chat', 'prompt'],
  ...['data', 'export', 'replay', 'runs', 'models', 'cache', 'backends', 'bench'],
] as const;
