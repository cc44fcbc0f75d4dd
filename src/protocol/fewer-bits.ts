import type { Finding } from './findings.ts';

/**
 * What is said of figures that a graphics card computed with frozen layers in fewer bits than the written model's.
 * @param whose “The figures of this run”
 */
export const saysInFewerBits = (bits: number, whose = 'The figures of this run'): string =>
  `${whose} were computed with frozen layers in ${bits} bits; the model that is written is in float and may score slightly otherwise, which “luthier evaluate” measures.`;

/** What is said where figures are in float although 4 bits were asked for. @param whose the candidates’ names */
export const saysInFloat = (whose: string): string =>
  `In spite of load_in_4bit, the frozen layers of ${whose} were computed in float: 4 bits are for a graphics card and the layers of a decoder.`;

/** The same as what a run says about itself, from its start on. */
export const inFewerBits = (bits: number): Finding => ({
  code: 'fewer-bits',
  severity: 'info',
  title: `Measured with layers in ${bits} bits`,
  text: saysInFewerBits(bits),
  figures: { bits },
  change: { kind: 'evaluate', title: 'Evaluate on File…' },
});
