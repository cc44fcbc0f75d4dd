import { fineTune } from './fine-tune.mjs';
import { keyboard } from './keyboard.mjs';
import { models } from './models.mjs';
import { runs } from './runs.mjs';
import { untrusted } from './untrusted.mjs';
import { workspaces } from './workspaces.mjs';

/** What `npm test` plays: seen passing three times over. */
export const scenarios = [...fineTune];
/** Written, and not yet seen passing three times over on a quiet machine: `node test/e2e/run.mjs --all` plays them too. */
export const young = [...runs, ...models, ...keyboard, ...untrusted, ...workspaces];
export { figures } from './figures.mjs';
