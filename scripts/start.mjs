// What `npm start` shows: the starter learns to sort support tickets, on this machine, in under a minute.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cli = join(root, 'dist', 'engine', 'cli.cjs');
const recipe = join(root, 'examples', 'tickets.recipe.json');
const TEXTS = ['Where is my parcel? It was due on Monday.', 'Please cancel my plan at the end of the month.'];

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const bold = (/** @type {string} */ text) => (colour ? `\u001b[1m${text}\u001b[22m` : text);
/** @param {string[]} args */
const luthier = (args, options = {}) => {
  const child = spawnSync(process.execPath, [cli, ...args], { cwd: root, stdio: 'inherit', ...options });
  if (child.error) throw child.error;
  if (child.status !== 0) process.exit(child.status ?? 1);
  return String(child.stdout);
};

const { model, dataset } = JSON.parse(readFileSync(recipe, 'utf8'));
console.error(bold('Fine-tuning a pretrained BERT on your machine'));
console.error(`${model} learns from examples/${dataset} which team should answer a support ticket.`);
console.error(`The recipe is ${relative(process.cwd(), recipe)}.\n`);
luthier(['train', recipe]);

// The newest run is ours.
const [newest] = luthier(['runs', 'list', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] }).split('\n');
const { id } = JSON.parse(newest);
console.error(bold('\nTwo tickets it has not seen:'));
luthier(['predict', id, ...TEXTS.flatMap((text) => ['--text', text])]);

const next = [
  [`npx luthier predict ${id} --file examples/try.txt`, 'more texts, one per line'],
  [`npx luthier export ${id} --format onnx`, 'for transformers.js'],
  ['npx luthier train examples/reviews.recipe.json', 'train on another task'],
  ['npx luthier data inspect YOUR.csv', 'check your own data'],
  ['npx luthier train', 'asks what it needs, and offers to save the recipe'],
  ['npx luthier runs list', 'all runs, and the disk space they take'],
];
const width = Math.max(...next.map(([command]) => command.length));
console.error(`\n${bold('What next?')}`);
for (const [command, what] of next) console.error(`  ${command.padEnd(width)}  ${what}`);
