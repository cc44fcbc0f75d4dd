export const runs = [];
