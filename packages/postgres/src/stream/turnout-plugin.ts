import { AbstractPlugin } from 'pg-logical-replication/dist/output-plugins/abstract.plugin.js';
import type pg from 'pg';
import { quoteIdent } from '../identifiers.js';

export interface TurnoutPluginOptions {
  readonly publication: string;
  /** Runs on the replication connection before it starts to stream. */
  readonly prepare: (client: pg.Client) => Promise<void>;
  /** One pgoutput message; its bytes are only valid during the call. */
  readonly onPayload: (payload: Buffer) => void;
}

/**
 * pgoutput of protocol 1 with no option that 13 refuses: the plugin of the library always sends
 * `messages`, which 13 does not know, and leaves the publication unquoted.
 */
export class TurnoutPlugin extends AbstractPlugin<TurnoutPluginOptions> {
  get name(): string {
    return 'pgoutput';
  }

  async start(client: pg.Client, slot: string, startLsn: string): Promise<void> {
    const { publication, prepare } = this.options;
    await prepare(client);
    const publications = quoteIdent(publication).replaceAll("'", "''");
    await client.query(
      `START_REPLICATION SLOT ${quoteIdent(slot)} LOGICAL ${startLsn}` +
        ` (proto_version '1', publication_names '${publications}')`,
    );
  }

  parse(payload: Buffer): void {
    this.options.onPayload(payload);
  }
}
