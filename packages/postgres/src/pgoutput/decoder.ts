import {
  UNCHANGED,
  type Begin,
  type Cell,
  type Commit,
  type Delete,
  type Insert,
  type Relation,
  type RelationColumn,
  type Row,
  type StreamMessage,
  type Truncate,
  type Update,
} from './messages.js';
import { WireReader } from './wire-reader.js';

/** Microseconds between the Unix epoch and PostgreSQL's, 2000-01-01. */
const POSTGRES_EPOCH_US = 946_684_800_000_000n;

const IDENTITIES: Readonly<Record<string, Relation['identity']>> = {
  d: 'default',
  n: 'nothing',
  f: 'full',
  i: 'index',
};

const TRUNCATE_CASCADE = 1;
const TRUNCATE_RESTART_IDENTITY = 2;
const COLUMN_IS_KEY = 1;

/** The stream holds something this version does not know; nothing behind it may be applied. */
export interface DecodeFailure {
  readonly kind: 'failure';
  /** First byte of the message as a character. */
  readonly tag: string;
  /** What did not fit; never a value of a row. */
  readonly reason: string;
}

class UnknownForm extends Error {}

type TupleForm = 'key' | 'full';

function readRow(reader: WireReader, relation: Relation): Row {
  const count = reader.uint16();
  if (count !== relation.columns.length) {
    throw new UnknownForm(`${count} values for ${relation.columns.length} columns`);
  }
  const row: Cell[] = [];
  for (let index = 0; index < count; index += 1) {
    const form = reader.byte();
    if (form === 0x74 /* t */) row.push(reader.text(reader.uint32()));
    else if (form === 0x6e /* n */) row.push(null);
    else if (form === 0x75 /* u */) row.push(UNCHANGED);
    else throw new UnknownForm(`value of form 0x${form.toString(16)}`);
  }
  return row;
}

function readColumn(reader: WireReader): RelationColumn {
  const key = (reader.byte() & COLUMN_IS_KEY) !== 0;
  return { key, name: reader.name(), typeOid: reader.uint32(), typeModifier: reader.int32() };
}

function readRelation(reader: WireReader): Relation {
  const oid = reader.uint32();
  // The server leaves the name of its own catalogue schema empty.
  const schema = reader.name() || 'pg_catalog';
  const name = reader.name();
  const letter = String.fromCharCode(reader.byte());
  const identity = IDENTITIES[letter];
  if (identity === undefined) throw new UnknownForm(`replica identity ${letter}`);
  const columns = Array.from({ length: reader.uint16() }, () => readColumn(reader));
  return { oid, schema, name, identity, columns };
}

function readBegin(reader: WireReader): Begin {
  const finalLsn = reader.lsn();
  const committedAtUs = reader.int64() + POSTGRES_EPOCH_US;
  return { kind: 'begin', finalLsn, committedAtUs, xid: reader.uint32() };
}

function readCommit(reader: WireReader): Commit {
  const flags = reader.byte();
  if (flags !== 0) throw new UnknownForm(`commit flags ${flags}`);
  const finalLsn = reader.lsn();
  const endLsn = reader.lsn();
  reader.int64();
  return { kind: 'commit', finalLsn, endLsn };
}

function oldForm(letter: number): TupleForm | null {
  if (letter === 0x4b /* K */) return 'key';
  return letter === 0x4f /* O */ ? 'full' : null;
}

/**
 * Decodes pgoutput of protocol 1, one message at a time, with the relations of one connection. It
 * runs inside the socket's callback, where a throw would end the process: what it cannot read comes
 * back as a failure, and after the first one it answers nothing else.
 */
export class PgoutputDecoder {
  readonly #relations = new Map<number, Relation>();
  #failure: DecodeFailure | null = null;

  /** The message, or null for one that only informs the decoder (relation, type, origin). */
  decode(bytes: Buffer): StreamMessage | DecodeFailure | null {
    if (this.#failure) return this.#failure;
    const tag = String.fromCharCode(bytes[0] ?? 0);
    try {
      const reader = new WireReader(bytes);
      reader.byte();
      const message = this.#read(tag, reader);
      if (!reader.atEnd) throw new UnknownForm('bytes behind the last field');
      return message;
    } catch (thrown) {
      const reason = thrown instanceof UnknownForm ? thrown.message : 'message is cut short';
      this.#failure = { kind: 'failure', tag, reason };
      return this.#failure;
    }
  }

  #read(tag: string, reader: WireReader): StreamMessage | null {
    switch (tag) {
      case 'B':
        return readBegin(reader);
      case 'C':
        return readCommit(reader);
      case 'I':
        return this.#readInsert(reader);
      case 'U':
        return this.#readUpdate(reader);
      case 'D':
        return this.#readDelete(reader);
      case 'T':
        return this.#readTruncate(reader);
      case 'R': {
        const relation = readRelation(reader);
        this.#relations.set(relation.oid, relation);
        return null;
      }
      case 'Y':
        reader.uint32();
        reader.name();
        reader.name();
        return null;
      case 'O':
        reader.lsn();
        reader.name();
        return null;
      default:
        throw new UnknownForm('unknown message');
    }
  }

  #relation(oid: number): Relation {
    const relation = this.#relations.get(oid);
    if (!relation) throw new UnknownForm(`relation ${oid} was never described`);
    return relation;
  }

  #readInsert(reader: WireReader): Insert {
    const relation = this.#relation(reader.uint32());
    this.#expect(reader.byte(), 0x4e /* N */);
    return { kind: 'insert', relation, row: readRow(reader, relation) };
  }

  #readUpdate(reader: WireReader): Update {
    const relation = this.#relation(reader.uint32());
    let letter = reader.byte();
    const form = oldForm(letter);
    const old = form ? { form, row: readRow(reader, relation) } : null;
    if (old) letter = reader.byte();
    this.#expect(letter, 0x4e /* N */);
    return { kind: 'update', relation, old, row: readRow(reader, relation) };
  }

  #readDelete(reader: WireReader): Delete {
    const relation = this.#relation(reader.uint32());
    const form = oldForm(reader.byte());
    if (!form) throw new UnknownForm('delete without an old row');
    return { kind: 'delete', relation, old: { form, row: readRow(reader, relation) } };
  }

  #readTruncate(reader: WireReader): Truncate {
    const count = reader.uint32();
    const options = reader.byte();
    const relations: Relation[] = [];
    for (let index = 0; index < count; index += 1) relations.push(this.#relation(reader.uint32()));
    return {
      kind: 'truncate',
      relations,
      cascade: (options & TRUNCATE_CASCADE) !== 0,
      restartIdentity: (options & TRUNCATE_RESTART_IDENTITY) !== 0,
    };
  }

  #expect(letter: number, expected: number): void {
    if (letter !== expected) throw new UnknownForm(`row of form 0x${letter.toString(16)}`);
  }
}
