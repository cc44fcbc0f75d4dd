import { chat } from './chat.mjs';
import { compare } from './compare.mjs';
import { completions } from './completions.mjs';
import { fineTune } from './fine-tune.mjs';
import { flow } from './flow.mjs';
import { keyboard } from './keyboard.mjs';
import { learning } from './learning.mjs';
import { models } from './models.mjs';
import { myFiles } from './my-files.mjs';
import { predictFile } from './predict-file.mjs';
import { promptLanguage } from './prompt-language.mjs';
import { promptVersions } from './prompt-versions.mjs';
import { prompts } from './prompts.mjs';
import { recipes } from './recipes.mjs';
import { runs } from './runs.mjs';
import { runsTable } from './runs-table.mjs';
import { strangeTexts } from './strange-texts.mjs';
import { tags } from './tags.mjs';
import { untrusted } from './untrusted.mjs';
import { workspaces } from './workspaces.mjs';

/** What `npm test` plays: seen passing three times over. */
export const scenarios = [
  ...fineTune,
  ...flow,
  ...tags,
  ...runs,
  ...runsTable,
  ...models,
  ...compare,
  ...chat,
  ...predictFile,
  ...recipes,
  ...promptLanguage,
  ...prompts,
  ...promptVersions,
  ...completions,
  ...strangeTexts,
  ...myFiles,
  ...learning,
  ...keyboard,
  ...untrusted,
  ...workspaces,
];
export { figures } from './figures.mjs';
