import type { PinnedRelease } from './pinned-releases.ts';
import type { Tool, ToolName } from './tool-catalog.ts';

/** What acquisition asks of the machine; a test brings its own. */
export interface ToolSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `${XDG_CACHE_HOME:-~/.cache}/memhp/bin` */
  readonly cacheDirectory: string;
  readonly log: (line: string) => void;
  readonly isExecutable: (file: string) => Promise<boolean>;
  /** First executable of this name on PATH. */
  readonly findOnPath: (name: string) => Promise<string | undefined>;
  /** `major.minor` that the executable says of itself; undefined when it does not run or says something else. */
  readonly versionOf: (tool: Tool, file: string) => Promise<string | undefined>;
  /** Installs all executables of the archive; throws when it cannot, or when no digest is pinned for this platform. */
  readonly download: (release: PinnedRelease, destination: (tool: ToolName) => string) => Promise<void>;
  readonly build: (tool: Tool, destination: string) => Promise<void>;
  /** Runs `work` while no other process on this machine holds the lock `name`. */
  readonly exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}
