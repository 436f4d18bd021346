import { readFile } from 'node:fs/promises';
import { fail } from '@turnout/contracts/errors';
import { parse } from 'yaml';

/** From weakest to strongest; each may do what those before it may. */
export const TOKEN_ROLES = ['viewer', 'operator', 'admin'] as const;
export type TokenRole = (typeof TOKEN_ROLES)[number];

/** A token as stored: who, what for, and the SHA-256 of its text in hex. */
export interface StoredToken {
  readonly name: string;
  readonly role: TokenRole;
  readonly sha256: string;
}

function isStoredToken(value: unknown): value is StoredToken {
  if (typeof value !== 'object' || value === null) return false;
  const { name, role, sha256 } = value as Partial<Record<keyof StoredToken, unknown>>;
  return (
    typeof name === 'string' &&
    TOKEN_ROLES.some((known) => known === role) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/i.test(sha256)
  );
}

/**
 * Reads `tokens: [{name, role, sha256}]`, or the list alone.
 * @throws TRN1005 when unreadable, TRN1003 when an entry is not a token
 */
export async function readTokens(file: string): Promise<StoredToken[]> {
  let content: unknown;
  try {
    content = parse(await readFile(file, 'utf8'));
  } catch (thrown) {
    throw fail('secret_unreadable', { file }, thrown);
  }
  const list: unknown = Array.isArray(content)
    ? content
    : (content as { tokens?: unknown } | null)?.tokens;
  if (!Array.isArray(list))
    throw fail('config_value_invalid', { key: 'api.tokens_file', must: 'be a list' });
  return list.map((each: unknown, index) => {
    if (isStoredToken(each)) return each;
    const must = 'have name, role (viewer, operator, admin) and sha256 in hex';
    throw fail('config_value_invalid', { key: `tokens.${index}`, must });
  });
}
