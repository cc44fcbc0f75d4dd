export const kernelsFile: string;
export const kernelsFolder: string;
export function buildKernels(outFile?: string): Promise<boolean>;
