import type { CloudEvent } from '@turnout/contracts/events';

/** CloudEvents 1.0 in Kafka's binary mode: attributes in `ce_` headers, the data alone as value. */
export interface BinaryMessage {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

const ATTRIBUTES = ['specversion', 'id', 'source', 'type', 'subject', 'time'] as const;

export function encodeEvent(event: CloudEvent): BinaryMessage {
  const headers: Record<string, string> = {
    'content-type': event.datacontenttype,
    ce_partitionkey: event.partitionkey,
    ce_sequence: String(event.sequence),
  };
  for (const name of ATTRIBUTES) headers[`ce_${name}`] = event[name];
  return { key: event.partitionkey, value: JSON.stringify(event.data), headers };
}

type Bytes = Uint8Array | string;

function textOf(value: Bytes | readonly Bytes[] | undefined): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : textOf(value[0]);
}

/** Null for what is not an event of ours: a topic may hold messages of others. */
export function decodeEvent(message: {
  readonly value: Bytes | null;
  readonly headers?: Readonly<Record<string, Bytes | readonly Bytes[] | undefined>> | undefined;
}): CloudEvent | null {
  const header = (name: string): string | null => textOf(message.headers?.[name]);
  const attributes = Object.fromEntries(ATTRIBUTES.map((name) => [name, header(`ce_${name}`)]));
  const sequence = Number(header('ce_sequence'));
  if (attributes['specversion'] !== '1.0' || message.value === null) return null;
  if (Object.values(attributes).includes(null) || !Number.isFinite(sequence)) return null;
  try {
    return {
      ...(attributes as Pick<CloudEvent, (typeof ATTRIBUTES)[number]>),
      datacontenttype: 'application/json',
      partitionkey: header('ce_partitionkey') ?? attributes['subject'] ?? '',
      sequence,
      data: JSON.parse(textOf(message.value) ?? 'null') as CloudEvent['data'],
    };
  } catch {
    return null;
  }
}
