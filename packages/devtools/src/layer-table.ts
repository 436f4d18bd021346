/**
 * Layers from the bottom up; a member may use members of lower layers only. Members of one layer do
 * not know each other, except where `ALONGSIDE` says so.
 */
export const LAYERS: readonly (readonly string[])[] = [
  ['core'],
  ['contracts', 'machine'],
  ['postgres'],
  ['bus', 'store', 'traffic', 'pool'],
  ['service-kit', 'api-client'],
  ['replicator', 'lag-monitor', 'checker', 'coordinator'],
  ['testkit'],
  ['demo'],
  ['cli'],
  ['devtools'],
];

/** Uses that the order of the layers would forbid, each with its reason. */
export const ALONGSIDE: Readonly<Record<string, readonly string[]>> = {};

/** Dependencies that are found by a name put together at run time, which no import shows. */
export const RESOLVED_BY_NAME: Readonly<Record<string, RegExp>> = {
  testkit: /^postgres-\d+-/,
};

/** Libraries that have a home: everybody else goes through it. */
export const RESTRICTED: readonly {
  readonly library: RegExp;
  readonly homes: readonly string[];
}[] = [
  { library: /^kafkajs$/, homes: ['bus'] },
  { library: /^ioredis$/, homes: ['traffic', 'pool'] },
  { library: /^(pg|pg-.*)$/, homes: ['postgres', 'pool', 'testkit'] },
  { library: /^prom-client$/, homes: ['service-kit'] },
  { library: /^pino$/, homes: ['service-kit'] },
];

/** These run anywhere: no Node built-in may enter. */
export const PURE: readonly string[] = ['core', 'contracts', 'machine'];
