import { fail } from '@turnout/contracts/errors';
import { quoteIdent } from '@turnout/postgres/identifiers';
import type { Session } from '@turnout/postgres/session';
import { inTransaction } from '@turnout/postgres/transaction';
import { ask } from './side-row.js';
import { lockClaim, type Claim } from './sql/side-sql.js';
import { databaseName, terminateClients } from './sql/second-layer-sql.js';

/**
 * The second layer of a fence, besides the guard (PROTOCOL 9): new sessions of the database are
 * read-only unless they say otherwise, and those that were there before are ended. Never ALTER SYSTEM:
 * other databases of the cluster are not ours.
 * @returns how many sessions were ended
 */
export async function closeForClients(session: Session, claim: Claim): Promise<number> {
  await setUnderClaim(session, claim, true);
  // After the setting is committed: whoever connects again meets it.
  return endClients(session);
}

/**
 * Takes it back before a side may open: a session that began while it was set keeps it, so those are
 * ended too. Nobody loses anything: this side is closed.
 * @returns how many sessions were ended
 */
export async function openForClients(session: Session, claim: Claim): Promise<number> {
  const was = await readReadOnly(session);
  await setUnderClaim(session, claim, false);
  return was ? endClients(session) : 0;
}

/** @throws TRN5015 when another holds the side: a zombie may not change what clients meet */
async function setUnderClaim(session: Session, claim: Claim, on: boolean): Promise<void> {
  await inTransaction(session, async () => {
    const held = await ask(session, lockClaim(claim));
    if (held.length === 0) throw fail('superseded', { epoch: String(claim.epoch) });
    await setReadOnly(session, on);
  });
}

export async function setReadOnly(session: Session, on: boolean): Promise<void> {
  const [row] = await ask(session, databaseName);
  const name = quoteIdent(row?.['name'] ?? '');
  await session.query(
    on
      ? /* sql */ `alter database ${name} set default_transaction_read_only = on`
      : /* sql */ `alter database ${name} reset default_transaction_read_only`,
  );
}

async function readReadOnly(session: Session): Promise<boolean> {
  const [row] = await ask(session, databaseName);
  return row?.['read_only'] === 't';
}

async function endClients(session: Session): Promise<number> {
  return (await ask(session, terminateClients)).length;
}
