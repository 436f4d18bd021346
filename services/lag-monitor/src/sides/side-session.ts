import { parseLsn, type Lsn } from '@turnout/core/lsn';
import { objectName, sessionName } from '@turnout/core/object-names';
import { sourceOf, type Direction, type Side } from '@turnout/core/sides';
import { endSession, openSession, type Endpoint, type Session } from '@turnout/postgres/session';
import { readSlot, type SlotState } from '@turnout/postgres/slots';
import * as sql from './sql/statements.js';

/** No statement here takes long; one that does must not hold up the other side's heartbeat. */
const STATEMENT_MS_MAX = '2000';

export interface Arrival {
  readonly token: string | null;
  readonly appliedLsn: Lsn | null;
}

/** One session to a side, opened when needed and again after it was lost. */
export class SideSession {
  readonly #pair: string;
  readonly #side: Side;
  readonly #endpoint: Endpoint;
  #session: Promise<Session> | null = null;

  constructor(pair: string, side: Side, endpoint: Endpoint) {
    this.#pair = pair;
    this.#side = side;
    this.#endpoint = endpoint;
  }

  /** Answers the end of the log behind it; null when the side is not installed yet. */
  async writeHeartbeat(token: string): Promise<Lsn | null> {
    return this.#run(async (session) => {
      const written = await session.query(sql.writeHeartbeat(this.#side, token));
      if (written.rowCount === 0) return null;
      return this.#logEnd(session);
    });
  }

  readLogEnd(): Promise<Lsn> {
    return this.#run((session) => this.#logEnd(session));
  }

  /** As target of `direction`. */
  readArrival(direction: Direction): Promise<Arrival> {
    return this.#run(async (session) => {
      const { rows } = await session.query<{ token: string | null; end_lsn: string | null }>(
        sql.readArrival(sourceOf(direction), direction),
      );
      const { token = null, end_lsn = null } = rows[0] ?? {};
      return { token, appliedLsn: end_lsn === null ? null : parseLsn(end_lsn) };
    });
  }

  /** As source of `direction`; null when there is no such slot. */
  readSlot(direction: Direction): Promise<SlotState | null> {
    return this.#run((session) => readSlot(session, objectName(this.#pair, direction)));
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.then((each) => endSession(each)).catch(() => undefined);
  }

  async #logEnd(session: Session): Promise<Lsn> {
    const { rows } = await session.query<{ lsn: string }>(sql.readLogEnd());
    return parseLsn(rows[0]!.lsn);
  }

  async #run<T>(work: (session: Session) => Promise<T>): Promise<T> {
    this.#session ??= openSession({
      endpoint: this.#endpoint,
      applicationName: sessionName(0, 'lag-monitor', this.#pair),
      settings: { statement_timeout: STATEMENT_MS_MAX },
    });
    try {
      return await work(await this.#session);
    } catch (thrown) {
      // Whether the session is still good is not worth finding out once a second.
      await this.close();
      throw thrown;
    }
  }
}
