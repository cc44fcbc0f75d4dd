import type { Theme } from '../shared/theme.ts';

export interface PictureEntry {
  name: string;
  color: string;
  /** Dashes of its line in high contrast, in CSS pixels. */
  dash: readonly number[];
  value: string;
}

/** Long enough for the longest dashes to be told apart. */
const SWATCH = 22;

/** A chart as a PNG that can stand alone: background, title, legend and the canvas below. */
export const chartPicture = async (
  canvas: HTMLCanvasElement,
  title: string,
  legend: readonly PictureEntry[],
  theme: Theme,
): Promise<Blob> => {
  const ratio = devicePixelRatio;
  const margin = 12 * ratio;
  const head = (legend.length > 0 ? 52 : 30) * ratio;
  const picture = document.createElement('canvas');
  picture.width = canvas.width + 2 * margin;
  picture.height = canvas.height + head + margin;
  const context = picture.getContext('2d');
  if (!context) throw new Error('the page could not get a canvas to draw the picture on');
  context.fillStyle = theme.background;
  context.fillRect(0, 0, picture.width, picture.height);
  context.textBaseline = 'top';
  context.fillStyle = theme.foreground;
  context.font = `600 ${13 * ratio}px ${theme.font}`;
  context.fillText(title, margin, 10 * ratio);
  context.font = `${11 * ratio}px ${theme.font}`;
  let x = margin;
  for (const entry of legend) {
    context.strokeStyle = theme.color(entry.color);
    context.lineWidth = 2 * ratio;
    context.setLineDash(theme.highContrast ? entry.dash.map((length) => length * ratio) : []);
    context.beginPath();
    context.moveTo(x, 37 * ratio);
    context.lineTo(x + SWATCH * ratio, 37 * ratio);
    context.stroke();
    context.fillStyle = theme.muted;
    const text = `${entry.name} ${entry.value}`;
    context.fillText(text, x + (SWATCH + 4) * ratio, 31 * ratio);
    x += context.measureText(text).width + (SWATCH + 20) * ratio;
  }
  context.drawImage(canvas, margin, head);
  return new Promise((resolve, reject) =>
    picture.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error('the picture could not be encoded'))),
      'image/png',
    ),
  );
};

/** Puts a picture on the clipboard; false where the page may not. */
export const copyPicture = async (blob: Blob): Promise<boolean> => {
  try {
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
    return true;
  } catch {
    return false;
  }
};
