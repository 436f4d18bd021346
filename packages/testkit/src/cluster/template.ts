import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { cached } from '../process/cache-directory.js';
import { run } from '../process/run.js';
import { makeOwned, unprivileged } from '../process/unprivileged.js';
import type { Binaries } from './binaries.js';

const INITDB = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'] as const;

/** Path of an empty cluster made by `initdb`, once for each version and user. */
export function findTemplate({ version, directory }: Binaries): Promise<string> {
  const user = unprivileged();
  const hash = createHash('sha256')
    .update([directory, user.uid ?? '', ...INITDB].join(' '))
    .digest('hex')
    .slice(0, 8);
  return cached(`data-${version}-${hash}`, async (draft) => {
    await makeOwned(draft, user);
    await run(join(directory, 'initdb'), [...INITDB, '-D', draft], { ...user, cwd: draft });
  });
}

/** Copies the template; owners and modes stay, for the server checks both. */
export async function copyTemplate(template: string, dataDirectory: string): Promise<void> {
  await run('cp', ['-a', template, dataDirectory]);
}
