export declare const TINY_VOCAB: string[];
/** A BERT of random weights that takes milliseconds a step, with dropout, so that its masks matter. */
export declare function makeTinyBert(folder: string, layers?: number): Promise<void>;
/** Two classes that a few words tell apart. */
export declare function tinyRows(count: number, seed?: number): string;
export interface TinyRecipe {
  [key: string]: unknown;
}
/** A folder with model, rows and recipe; about 27 steps an epoch. */
export declare function makeWorkplace(folder: string, recipe?: TinyRecipe): Promise<string>;
export declare function writeRecipe(file: string, recipe: TinyRecipe): Promise<void>;
