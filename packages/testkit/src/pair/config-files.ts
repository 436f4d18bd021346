import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TurnoutConfig } from '@turnout/contracts/config';
import type { PairConfig } from '@turnout/contracts/config/pair-config';
import { loadConfig } from '@turnout/service-kit/config/load-config';
import { resolveConfig, type ResolvedConfig } from '@turnout/service-kit/config/resolve-config';
import { TOKEN_ROLES } from '@turnout/service-kit/tokens';

type Partly<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Key in keyof T]?: Partly<T[Key]> | undefined }
    : T;

/** Settings of a pair as `turnout.yaml` has them, beyond its sides. */
export type PairSettings = Partly<Omit<PairConfig, 'blue' | 'green'>>;
/** The rest of `turnout.yaml`. */
export type CommonSettings = Partly<Omit<TurnoutConfig, 'pairs' | 'control'>>;

/** Texts of the tokens, each of its role: a test says `admin` and is one. */
export const TOKENS = TOKEN_ROLES;

/** Where the sides of a pair are, and what else its entry says. */
export interface PairEntry {
  readonly blue: string;
  readonly green: string;
  readonly settings?: PairSettings | undefined;
}

export interface ConfigOrder {
  readonly directory: string;
  readonly apiPort: number;
  readonly controlUrl: string;
  readonly pairs: Readonly<Record<string, PairEntry>>;
  readonly common: CommonSettings;
}

export interface WrittenPair {
  readonly blue: { readonly url: string };
  readonly green: { readonly url: string };
  readonly [key: string]: unknown;
}

export interface WrittenConfig {
  readonly pairs: Readonly<Record<string, WrittenPair>>;
  readonly [key: string]: unknown;
}

export interface ConfigFiles {
  /** `turnout.yaml`, for the program. */
  readonly file: string;
  /** What it says, for variants of it. */
  readonly content: WrittenConfig;
  /** The same for services in this process. */
  readonly config: ResolvedConfig;
}

/** A test has its schema on both sides and waits for no soak, unless it says otherwise. */
const PAIR_DEFAULTS = { schema: { transfer: 'existing' }, soak: { min: '0s' } } as const;

/** Writes the configuration and its tokens as an operator would, and reads it as the program does. */
export async function writeConfigFiles(order: ConfigOrder): Promise<ConfigFiles> {
  const { directory, apiPort, controlUrl, pairs, common } = order;
  const file = join(directory, 'turnout.yaml');
  const tokensFile = join(directory, 'tokens.yaml');
  const tokens = TOKENS.map((role) => ({
    name: role,
    role,
    sha256: createHash('sha256').update(role).digest('hex'),
  }));
  const content: WrittenConfig = {
    log: { level: 'error' },
    ...common,
    control: { url: controlUrl },
    api: { listen: `127.0.0.1:${apiPort}`, tokens_file: tokensFile, ...common.api },
    pairs: Object.fromEntries(
      Object.entries(pairs).map(([name, { blue, green, settings }]) => [
        name,
        { ...PAIR_DEFAULTS, ...settings, blue: { url: blue }, green: { url: green } },
      ]),
    ),
  };
  await writeFile(tokensFile, JSON.stringify({ tokens }));
  // JSON is YAML too.
  await writeFile(file, JSON.stringify(content, null, 2));
  return { file, content, config: resolveConfig(loadConfig({ file, env: {} }).config) };
}
