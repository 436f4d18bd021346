import { createHash } from 'node:crypto';
import { readColumnShapes } from '@turnout/postgres/catalog/column-shape';
import type { Session } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';

/**
 * One hash over the replicated tables of a side. Read at arm and again under the fence, it shows a
 * table created or altered in between; read on both sides, it shows whether they fit.
 */
export async function readFingerprint(session: Session, pair: ResolvedPair): Promise<string> {
  const shapes = await readColumnShapes(session, pair.tables);
  const text = shapes
    .map(({ schema, name, columns }) => `${schema}.${name}: ${columns}`)
    .join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
