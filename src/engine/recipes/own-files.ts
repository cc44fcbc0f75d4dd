import { RECIPE_VERSION, type RecipeInput, recipeKeysOf, suggestedTraining } from '../../protocol/index.ts';
import { openModelFolder } from '../hub/model-folder.ts';
import { resolveModel } from '../hub/resolve.ts';
import { architectureOf } from '../models/registry.ts';
import { factsAbout } from '../strategies/facts.ts';
import { suggestStrategies } from '../strategies/index.ts';
import { MiddleTokens } from '../text/fill-in-the-middle.ts';
import { Tokenizer } from '../text/tokenizer.ts';

const TASK = 'text-generation';

/** Of texts whose middle is learnt to be filled in: half, as StarCoder's and Code Llama's were. */
const FIM_RATE = 0.5;

/** Up to so many parameters all are trained: adapters on so few learn too little of how somebody writes. */
const MOST_IN_FULL = 50e6;

/** Bytes of code that a window of 512 tokens has, about. */
const WINDOW_BYTES = 1500;

/**
 * The recipe by which a model learns files of one's own: all of a small model or adapters on a large one, and to fill
 * in the middle where its tokenizer has the tokens for that.
 * @param options.dataset as the recipe names it
 * @param options.rows of the dataset: a file has at least a window, and a completion is one
 * @param options.bytes of its files
 * @throws LuthierError of a model that cannot be found or used
 */
export async function recipeForFiles(options: {
  model: string;
  base: string;
  dataset: string;
  rows: number;
  bytes: number;
  cacheFolder?: string | undefined;
}): Promise<RecipeInput> {
  const { model, base, dataset, bytes, cacheFolder } = options;
  const rows = Math.max(options.rows, Math.ceil(bytes / WINDOW_BYTES));
  const { path } = await resolveModel(model, { base, cacheFolder });
  const { config, weights } = await openModelFolder(path);
  const names = weights.names();
  const parameters = names.reduce((sum, name) => sum + weights.shape(name).reduce((a, b) => a * b, 1), 0);
  await weights.close();
  const tokenizer = await Tokenizer.load(path);
  const suggestions = suggestStrategies(rows, factsAbout(architectureOf(config, path)), TASK);
  const suggestion =
    (parameters <= MOST_IN_FULL && suggestions.find(({ strategy }) => strategy.type === 'full')) || suggestions[0]!;
  return {
    ...{ version: RECIPE_VERSION, ...recipeKeysOf(TASK), model, dataset, strategy: suggestion.strategy },
    ...suggestedTraining(rows, suggestion, model, TASK),
    ...(MiddleTokens.of(tokenizer) && { fim_rate: FIM_RATE }),
  };
}
