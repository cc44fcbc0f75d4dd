/**
 * What both doors, the editor and the terminal, hold to with folders that somebody else may have filled. It needs
 * Node and `src/files`. docs/security.md says what is guarded against.
 */
export { addressProblem } from './address.ts';
export { HOME, homeProblem, placeProblem, runFolderProblem } from './folders.ts';
export { forgetRun, isOwnRun, ownRunFolders, rememberRun } from './own-runs.ts';
export { visible, visibleJson, visibleLine } from './text.ts';
