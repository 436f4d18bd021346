/** What a route changes in a database line; everything else in it stays. */
export interface DatabaseTarget {
  readonly host: string;
  readonly port: number;
  readonly dbname: string;
}

interface Setting {
  readonly key: string;
  readonly value: string;
}

const SETTING = /([a-z_]+)\s*=\s*('(?:[^']|'')*'|[^\s']+)/gy;
const SECTION = /^\s*\[([^\]]*)\]/;
const ENTRY = /^(\s*)("(?:[^"]|"")*"|[^\s=;#"[\]%]+)(\s*=\s*)(.*)$/;

/** Reads `host=… port=… user='a b'`; null when it is not of that form. */
export function parseSettings(text: string): Setting[] | null {
  const settings: Setting[] = [];
  let position = 0;
  const trimmed = text.trim();
  while (position < trimmed.length) {
    SETTING.lastIndex = position;
    const match = SETTING.exec(trimmed);
    if (!match) return null;
    const raw = match[2]!;
    const value = raw.startsWith("'") ? raw.slice(1, -1).replaceAll("''", "'") : raw;
    settings.push({ key: match[1]!, value });
    position = SETTING.lastIndex + (/^\s*/.exec(trimmed.slice(SETTING.lastIndex))?.[0].length ?? 0);
  }
  return settings;
}

function formatSetting({ key, value }: Setting): string {
  return /^[^\s']+$/.test(value) ? `${key}=${value}` : `${key}='${value.replaceAll("'", "''")}'`;
}

/** Reads `host=… port=… dbname=…` over the values of `base`; null when it is not of that form. */
export function parseTarget(text: string, base: DatabaseTarget): DatabaseTarget | null {
  const settings = parseSettings(text);
  if (!settings) return null;
  const given = new Map(settings.map(({ key, value }) => [key, value]));
  const port = Number(given.get('port') ?? base.port);
  if (!Number.isInteger(port)) return null;
  return { host: given.get('host') ?? base.host, port, dbname: given.get('dbname') ?? base.dbname };
}

interface FoundLine {
  readonly index: number;
  readonly head: string;
  readonly settings: Setting[];
}

function findLine(lines: readonly string[], database: string): FoundLine | null {
  let section = '';
  for (const [index, line] of lines.entries()) {
    section = SECTION.exec(line)?.[1]?.trim().toLowerCase() ?? section;
    const entry = ENTRY.exec(line);
    if (section !== 'databases' || !entry) continue;
    const [, indent = '', name = '', equals = '', rest = ''] = entry;
    const bare = name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
    if (bare !== database) continue;
    const settings = parseSettings(rest);
    return settings && { index, head: `${indent}${name}${equals}`, settings };
  }
  return null;
}

/** Where `database` points in the text of a databases file; null when it has no such line. */
export function readTarget(text: string, database: string): Partial<DatabaseTarget> | null {
  const line = findLine(text.split('\n'), database);
  if (!line) return null;
  const given = new Map(line.settings.map(({ key, value }) => [key, value]));
  const host = given.get('host');
  const port = given.get('port');
  return {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: Number(port) }),
    dbname: given.get('dbname') ?? database,
  };
}

/**
 * The text with the line of `database` pointing to `target`; user, password, pool sizes and every
 * other line stay as they are. Null when there is no such line.
 */
export function rewriteTarget(
  text: string,
  database: string,
  target: DatabaseTarget,
): string | null {
  const lines = text.split('\n');
  const line = findLine(lines, database);
  if (!line) return null;
  const wanted: Setting[] = [
    { key: 'host', value: target.host },
    { key: 'port', value: String(target.port) },
    { key: 'dbname', value: target.dbname },
  ];
  const kept = line.settings.filter(({ key }) => !wanted.some((setting) => setting.key === key));
  lines[line.index] = line.head + [...wanted, ...kept].map(formatSetting).join(' ');
  return lines.join('\n');
}
