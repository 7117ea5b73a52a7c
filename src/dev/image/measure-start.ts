/** How long an image's commands take to start, without what a container runtime adds. */
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { signalProcessGroup } from '../signal-process-group.ts';
import { reasonNotToRun, runUnpacked } from './run-unpacked.ts';
import { unpackImage, type UnpackedImage } from './unpack-image.ts';

export interface StartTimes {
  /** Until `memhp --version` has ended. */
  readonly versionMs: number;
  /** Until `memhp operator` says that it is starting: signals are handled, everything is loaded. */
  readonly operatorMs: number;
}

/** A start that takes so long has failed. */
const LIMIT_MS = 30_000;
const STARTING = '"message":"starting"';

/** The better of two each, since the first also reads the files from disk; or why it was not measured. */
export async function measureStart(archive: string): Promise<StartTimes | string> {
  const reason = reasonNotToRun();
  if (reason !== undefined) return reason;
  const image = await unpackImage(archive, tmpdir());
  try {
    const best = async (measure: () => Promise<number>): Promise<number> => Math.min(await measure(), await measure());
    return {
      versionMs: await best(() => untilSaid(image, ['--version'], '\n')),
      operatorMs: await best(() => untilSaid(image, ['operator', '--metrics-address', '0'], STARTING)),
    };
  } finally {
    await image.remove();
  }
}

async function untilSaid(image: UnpackedImage, args: readonly string[], words: string): Promise<number> {
  const startMs = performance.now();
  const child = runUnpacked(image, args);
  const closed = once(child, 'close');
  const kill = (): void => {
    if (child.pid !== undefined) signalProcessGroup(child.pid, 'SIGKILL');
  };
  const limit = setTimeout(kill, LIMIT_MS);
  let output = '';
  let saidMs: number | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (saidMs !== undefined || !output.includes(words)) return;
      saidMs = performance.now();
      kill();
    });
  }
  await closed;
  clearTimeout(limit);
  if (saidMs !== undefined) return Math.round(saidMs - startMs);
  throw new Error(`memhp ${args.join(' ')} did not start in the image:\n${output}`);
}
