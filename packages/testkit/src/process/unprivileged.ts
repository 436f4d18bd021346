import { chown, mkdir } from 'node:fs/promises';
import { readFileSync } from 'node:fs';

/** The uid and gid that a server is started under; empty when this process is an ordinary user. */
export interface RunAs {
  readonly uid?: number;
  readonly gid?: number;
}

const NOBODY = 65_534;

/**
 * PostgreSQL and PgBouncer refuse to run as root, so root starts them as `nobody`. The user must
 * exist in the password database, for `initdb` looks itself up there.
 */
export function unprivileged(): RunAs {
  if (process.getuid?.() !== 0) return {};
  const entry = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  return { uid: Number(entry?.[1] ?? NOBODY), gid: Number(entry?.[2] ?? NOBODY) };
}

/** Makes a directory that only the user of the server may enter, as the server demands. */
export async function makeOwned(directory: string, { uid, gid }: RunAs): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (uid !== undefined && gid !== undefined) await chown(directory, uid, gid);
}
