import { fineTune } from './fine-tune.mjs';
import { keyboard } from './keyboard.mjs';
import { runs } from './runs.mjs';
import { untrusted } from './untrusted.mjs';

export const scenarios = [...fineTune, ...runs, ...keyboard, ...untrusted];
