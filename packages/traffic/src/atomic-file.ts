import { randomUUID } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Replaces the text of an existing file so that a reader, or a crash, meets the old text or the new
 * one and nothing between. Mode and owner stay; a symbolic link stays a link. After `signal` aborted the
 * old text stays: a write that was given up may not land on a later one.
 */
export async function replaceFile(path: string, text: string, signal?: AbortSignal): Promise<void> {
  const target = await realpath(path);
  const { mode, uid, gid } = await stat(target);
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      const made = await handle.stat();
      // Only a privileged process can give a file away; another owner could not read it otherwise.
      if (made.uid !== uid || made.gid !== gid) await handle.chown(uid, gid);
      await handle.chmod(mode);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    signal?.throwIfAborted();
    await rename(temporary, target);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
  await syncDirectory(dirname(target));
}
