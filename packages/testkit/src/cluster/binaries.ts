import { createHash } from 'node:crypto';
import { access, chmod, mkdir, readFile, readdir, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cached } from '../process/cache-directory.js';
import { run } from '../process/run.js';

export const MAJOR_VERSIONS = ['13', '15'] as const;
export type MajorVersion = (typeof MAJOR_VERSIONS)[number];

/** The programs of one PostgreSQL version, ready to be run by an unprivileged user. */
export interface Binaries {
  readonly version: string;
  readonly directory: string;
}

const prepared = new Map<MajorVersion, Promise<Binaries>>();

/** Finds the programs of `major`; rejects with one sentence that says what is missing. */
export function findBinaries(major: MajorVersion): Promise<Binaries> {
  const found = prepared.get(major) ?? prepareBinaries(major);
  prepared.set(major, found);
  return found;
}

async function prepareBinaries(major: MajorVersion): Promise<Binaries> {
  const directory = process.env[`TURNOUT_PG_${major}`] ?? (await installedBinaries(major));
  for (const program of ['initdb', 'postgres']) {
    await access(join(directory, program)).catch(() => {
      throw new Error(`PostgreSQL ${major} is missing: there is no ${program} in ${directory}`);
    });
  }
  const answer = await run(join(directory, 'postgres'), ['--version']);
  const version = /(\d+\.\d+)/.exec(answer)?.[1];
  if (version?.split('.')[0] !== major) {
    throw new Error(`PostgreSQL ${major} is missing: ${directory} holds ${answer.trim()}`);
  }
  return { version, directory };
}

/**
 * The npm package is copied once. Its install script, which makes the library symlinks, does not
 * run where install scripts are blocked, and `node_modules` may be read-only or unreadable for the
 * user that the server runs as.
 */
async function installedBinaries(major: MajorVersion): Promise<string> {
  const name = `postgres-${major}-${process.platform}-${process.arch}`;
  let manifest: string;
  try {
    manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  } catch {
    throw new Error(
      `PostgreSQL ${major} is missing: the optional package ${name} is not installed; run npm ci, ` +
        `or point TURNOUT_PG_${major} to the directory of its initdb and postgres`,
    );
  }
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const hash = createHash('sha256').update(dirname(manifest)).digest('hex').slice(0, 8);
  const directory = await cached(`pg-${version}-${hash}`, (draft) =>
    copyPackage(join(dirname(manifest), 'native'), draft),
  );
  return join(directory, 'bin');
}

async function copyPackage(native: string, draft: string): Promise<void> {
  await run('cp', ['-R', '-P', native, draft]);
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(draft, target.replace(/^native\//, ''));
    await mkdir(dirname(path), { recursive: true });
    await symlink(source.slice(dirname(target).length + 1), path).catch((thrown: unknown) => {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    });
  }
  for (const program of await readdir(join(draft, 'bin'))) {
    await chmod(join(draft, 'bin', program), 0o755);
  }
  await run('chmod', ['-R', 'a+rX', draft]);
}
