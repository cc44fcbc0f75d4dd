import { formatBytes } from '../../protocol/index.ts';
import { exportModel } from '../runs/export.ts';
import { findModel } from '../runs/target.ts';
import { EXIT, note, print, printJson } from './output.ts';

export async function exportRun(
  name: string,
  { format, out, json }: { format: 'safetensors' | 'onnx'; out?: string; json?: boolean },
): Promise<number> {
  const { path: model } = await findModel(name, process.cwd());
  const exported = await exportModel(model, format, out);
  if (json) {
    printJson({ format, ...exported });
    return EXIT.done;
  }
  print(exported.path);
  if (exported.left_out.length > 0)
    note(`Not copied, because it is not part of the model: ${exported.left_out.join(', ')}.`);
  note(
    exported.path === model
      ? `The model is already a Hugging Face folder (${formatBytes(exported.bytes)}). Pass --out DIR to copy it.`
      : `${formatBytes(exported.bytes)}; its logits differ from those of the model by at most ${exported.max_difference.toExponential(1)}.`,
  );
  if (exported.note !== undefined) note(exported.note);
  return EXIT.done;
}
