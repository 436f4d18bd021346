import { configExplain, configSchema } from './verbs/config.js';
import { demo } from './verbs/demo.js';
import { doctor } from './verbs/doctor.js';
import { events } from './verbs/events.js';
import { explain } from './verbs/explain.js';
import { switchoverForceOpen } from './verbs/force-open.js';
import { leaksList, leaksResolve, leaksShow } from './verbs/leaks.js';
import {
  abortPair,
  adoptPair,
  cleanupPair,
  completePair,
  pausePair,
  resumePair,
} from './verbs/life-cycle.js';
import { linkRetry } from './verbs/link-retry.js';
import { plan } from './verbs/plan.js';
import { preflight } from './verbs/preflight.js';
import { serve } from './verbs/serve.js';
import { start } from './verbs/start.js';
import { status } from './verbs/status.js';
import {
  rollback,
  switchover,
  switchoverCancel,
  switchoverSettle,
  switchoverShow,
} from './verbs/switchover.js';
import { tables } from './verbs/tables.js';
import { verify, verifyShow } from './verbs/verify.js';
import type { Verb } from './verb.js';

/** Everything a user may say, in the order of the help. A verb stands before those of its group. */
export const VERBS: readonly Verb[] = [
  demo,
  serve,
  preflight,
  start,
  status,
  tables,
  verify,
  verifyShow,
  plan,
  switchover,
  switchoverShow,
  switchoverCancel,
  switchoverSettle,
  switchoverForceOpen,
  rollback,
  events,
  pausePair,
  resumePair,
  linkRetry,
  leaksList,
  leaksShow,
  leaksResolve,
  abortPair,
  completePair,
  cleanupPair,
  adoptPair,
  configExplain,
  configSchema,
  explain,
  doctor,
];

/** What the groups are about that are not verbs themselves. */
export const GROUPS: Readonly<Record<string, string>> = {
  link: 'act on a stopped link',
  leaks: 'writes found on a closed side',
  config: 'where each setting comes from, and what may be set',
};
