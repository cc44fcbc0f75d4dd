/** A field as RFC 4180 writes it. Text that a spreadsheet would run as a formula gets a leading apostrophe. */
export const field = (value: string | number | null): string => {
  if (value === null || (typeof value === 'number' && !Number.isFinite(value))) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

export const csv = (header: readonly string[], rows: Iterable<readonly (string | number | null)[]>): string => {
  const lines = [header.map(field).join(',')];
  for (const row of rows) lines.push(row.map(field).join(','));
  return `${lines.join('\r\n')}\r\n`;
};
