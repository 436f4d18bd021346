/** Sessions hand out every value as the server printed it; these read the texts of the control store. */

/** `2026-01-02 03:04:05.678+00` (sessions are pinned to UTC and ISO) to RFC 3339. */
export function timeText(text: string): string {
  return `${text.slice(0, 10)}T${text.slice(11).replace(/\+00(:?00)?$/, '')}Z`;
}

export function timeOrNull(text: string | null): string | null {
  return text === null ? null : timeText(text);
}

export function numberOrNull(text: string | null): number | null {
  return text === null ? null : Number(text);
}

export function flag(text: string): boolean {
  return text === 't';
}

export function json<T>(text: string): T {
  return JSON.parse(text) as T;
}

export function jsonOrNull<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}
