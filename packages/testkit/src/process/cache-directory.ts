import { randomBytes } from 'node:crypto';
import { access, chmod, lstat, mkdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Where prepared binaries and template clusters are kept between runs; `TURNOUT_CACHE_DIR` moves
 * it. It lies in the temporary directory because the unprivileged user of a root session must be
 * able to read it, which a checkout under a private home directory does not allow.
 */
export function cacheRoot(): string {
  return (
    process.env['TURNOUT_CACHE_DIR'] ?? join(tmpdir(), `turnout-cache-${process.getuid?.() ?? 0}`)
  );
}

/**
 * Path of the cache entry `name`, made by `build` when it is not there yet. Entries appear by
 * rename, so that of several processes that build at once one wins and none sees a half-made one.
 */
export async function cached(
  name: string,
  build: (directory: string) => Promise<void>,
): Promise<string> {
  const root = cacheRoot();
  const path = join(root, name);
  await mkdir(root, { recursive: true });
  // The temporary directory is everybody's: programs that somebody else put there are not run.
  if ((await lstat(root)).uid !== process.getuid?.()) {
    throw new Error(`${root} belongs to another user; point TURNOUT_CACHE_DIR elsewhere`);
  }
  if (await exists(path)) return path;
  // The unprivileged user passes through it; what it holds is public anyway.
  await chmod(root, 0o755);
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await build(draft);
    await rename(draft, path);
  } catch (thrown) {
    await rm(draft, { recursive: true, force: true });
    if (!(await exists(path))) throw thrown;
  }
  return path;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
