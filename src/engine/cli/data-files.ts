import { extname } from 'node:path';

/** What is never meant as a recipe or a template, whatever it holds. */
const TABLES = ['.csv', '.tsv', '.jsonl', '.ndjson', '.xlsx', '.parquet'];
/** Text, which a template may be, too. */
const TEXTS = ['.md', '.txt'];

export const isTableFile = (file: string): boolean => TABLES.includes(extname(file).toLowerCase());

export const isDataFile = (file: string): boolean => isTableFile(file) || TEXTS.includes(extname(file).toLowerCase());
