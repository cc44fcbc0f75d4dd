/**
 * What both doors, the editor and the terminal, hold to with folders that somebody else may have filled. Floor 0:
 * needs Node and nothing of ours. docs/security.md says what is guarded against.
 */
export { addressProblem } from './address.ts';
export {
  APPEND_FLAGS,
  appendProblem,
  homeProblem,
  openOwnFile,
  placeProblem,
  readFileWithin,
  readOwnFile,
  runFolderProblem,
} from './folders.ts';
export { holderGone, processLives } from './holder.ts';
export { dataFolder, forgetRun, type Identity, isOwnRun, rememberRun } from './own-runs.ts';
export { visible, visibleJson, visibleLine } from './text.ts';
