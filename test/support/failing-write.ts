/** Makes write(2) fail with an errno that no file gives: a shared object for LD_PRELOAD, where there is a C compiler. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** write(2) of the word "online" fails with the number in FAILING_ERRNO; all else is the C library's. */
const SOURCE = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ssize_t write(int file, const void *buffer, size_t size)
{
	static ssize_t (*real)(int, const void *, size_t);

	if (size == 6 && !memcmp(buffer, "online", 6)) {
		errno = atoi(getenv("FAILING_ERRNO"));
		return -1;
	}
	if (!real)
		real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	return real(file, buffer, size);
}
`;

/** The path of the shared object, in `directory`; undefined where it cannot be compiled. */
export function compileFailingWrite(directory: string): string | undefined {
  const source = join(directory, 'failing-write.c');
  const shim = join(directory, 'failing-write.so');
  writeFileSync(source, SOURCE);
  const { status } = spawnSync('cc', ['-shared', '-fPIC', '-o', shim, source, '-ldl'], { stdio: 'ignore' });
  return status === 0 ? shim : undefined;
}
