import { besidePeft } from './peft-training.ts';

// What prompt_figures.py wrote.
besidePeft('learned prompts', 'prompt.json');
besidePeft('learned prefixes', 'prefix.json', 1);
