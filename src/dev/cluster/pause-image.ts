/** The image that every pod starts with: its only process waits, and so keeps the pod's namespaces. */
import path from 'node:path';
import { assembleImage } from '../image/assemble-image.ts';
import { file } from '../image/image-entry.ts';

export const PAUSE_IMAGE = 'memhp.local/pause:1';

/** Answers the image's tar file, written into `directory`. `pause` is a static executable. */
export async function writePauseImage(directory: string, pause: string): Promise<string> {
  const output = path.join(directory, 'pause.tar');
  const layers = [{ name: 'pause', entries: [file('/pause', pause)] }];
  await assembleImage({ tag: PAUSE_IMAGE, layers, output, entrypoint: ['/pause'], user: '65535:65535' });
  return output;
}
