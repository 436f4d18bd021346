import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

interface Migration {
  readonly id: number;
  readonly name: string;
  readonly checksum: string;
  readonly text: string;
}

function readMigrations(folder: string): Migration[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}_.*\.sql$/.test(file))
    .toSorted()
    .map((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      const checksum = createHash('sha256').update(text).digest('hex');
      return { id: Number(file.slice(0, 4)), name: basename(file, '.sql'), checksum, text };
    });
}

function readBodies(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder)
      .filter((file) => file.endsWith('.sql'))
      .toSorted()
      .map((file) => [
        basename(file, '.sql').replaceAll('-', '_'),
        readFileSync(join(folder, file), 'utf8'),
      ]),
  );
}

/** Source of the module that carries installed SQL, so that a package works without the tree. */
export function embedSql(root: string): string {
  const cluster = readMigrations(join(root, 'sql/cluster'));
  const control = readMigrations(join(root, 'sql/control'));
  const guards = readBodies(join(root, 'sql/cluster/guard'));
  return [
    '// Generated from sql/** by `npm run gen`; edit there.',
    `export const CLUSTER_MIGRATIONS = ${JSON.stringify(cluster, null, 2)} as const;`,
    `export const CONTROL_MIGRATIONS = ${JSON.stringify(control, null, 2)} as const;`,
    `export const GUARD_BODIES = ${JSON.stringify(guards, null, 2)} as const;`,
    '',
  ].join('\n\n');
}
