export const untrusted = [];
