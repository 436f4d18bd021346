import type { Direction } from './sides.js';

/** What a slot or publication of Turnout serves. */
export type ObjectPurpose = Direction | 'check';

const PAIR_NAME = /^[a-z][a-z0-9_]{0,30}$/;
const OBJECT_NAME = /^turnout_([a-z][a-z0-9_]{0,30})_(forward|reverse|check)$/;

/** PostgreSQL cuts longer identifiers silently; ours never reach that. */
export const IDENTIFIER_BYTES_MAX = 63;

export function isPairName(value: string): boolean {
  return PAIR_NAME.test(value);
}

/** Name of a slot and of the publication it reads, at most 63 bytes. */
export function objectName(pair: string, purpose: ObjectPurpose): string {
  if (!isPairName(pair)) throw new TypeError(`not a pair name: ${JSON.stringify(pair)}`);
  return `turnout_${pair}_${purpose}`;
}

export function parseObjectName(name: string): { pair: string; purpose: ObjectPurpose } | null {
  const match = OBJECT_NAME.exec(name);
  return match ? { pair: match[1]!, purpose: match[2] as ObjectPurpose } : null;
}

/**
 * `application_name` of every session of ours: `turnout/<epoch>/<role>/<pair>`. The epoch is
 * delimited so that terminating the sessions of epoch 1 spares those of epoch 10.
 */
export function sessionName(epoch: bigint | number, role: string, pair: string): string {
  return `turnout/${epoch}/${role}/${pair}`.slice(0, IDENTIFIER_BYTES_MAX);
}

export function parseSessionName(
  name: string,
): { epoch: bigint; role: string; pair: string } | null {
  const match = /^turnout\/(\d+)\/([^/]+)\/([^/]*)$/.exec(name);
  return match ? { epoch: BigInt(match[1]!), role: match[2]!, pair: match[3]! } : null;
}
