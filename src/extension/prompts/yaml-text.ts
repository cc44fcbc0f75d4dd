/** Words that YAML reads as something else than a text. */
const MEANS_ELSE = /^(?:true|false|yes|no|on|off|null|~)$/i;
/** Begins with a letter, and has nothing in which YAML sees more than a text. */
const PLAIN = /^\p{L}[^:#\r\n\t"'`{}[\]&*!|>%@\\]*$/u;

/** A text as YAML reads it as this text, on one line. */
export const yamlText = (text: string): string =>
  PLAIN.test(text) && !MEANS_ELSE.test(text) && text === text.trim() ? text : JSON.stringify(text);
