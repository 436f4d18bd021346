import { backoffMs } from '@turnout/core/backoff';
import { Secret } from '@turnout/core/secret';
import { pause } from '@turnout/core/waiting';
import { withSession, type Endpoint } from '@turnout/postgres/session';
import { failuresOf, pauseInstances, resumeInstances } from '../pgbouncer/instances.js';
import { settledSideState } from './sql/side-state.js';
import type { GuardianEnd, GuardianMessage, GuardianPlan } from './messages.js';

const COMMAND_TIMEOUT_MS = 2_000;
const COMMAND_LIMITS = { timeoutMs: COMMAND_TIMEOUT_MS };
const SIDE_LOCK_TIMEOUT_MS = 2_000;
const RETRY_LIMITS = { firstMs: 20, maxMs: 500 };

async function readSideState(endpoint: Endpoint): Promise<'open' | 'closed'> {
  const settings = { lock_timeout: String(SIDE_LOCK_TIMEOUT_MS) };
  const options = {
    endpoint,
    applicationName: 'turnout_guardian',
    connectTimeoutMs: COMMAND_TIMEOUT_MS,
    settings,
  };
  const { rows } = await withSession(options, (session) =>
    session.query<{ state: string }>(settledSideState()),
  );
  // Without the row nothing fences this side, and nothing may keep its clients waiting.
  return rows[0]?.state === 'closed' ? 'closed' : 'open';
}

/** Pauses every pooler; when one does not follow in time, resumes all of them again. */
export async function holdPoolers(plan: GuardianPlan): Promise<GuardianMessage> {
  const [failure] = failuresOf(await pauseInstances(plan.poolers, plan.pauseTimeoutMs));
  if (failure === undefined) return { type: 'paused' };
  const left = failuresOf(await resumeInstances(plan.poolers, COMMAND_LIMITS));
  return {
    type: 'refused',
    instance: failure.instance,
    reason: failure.error ?? '',
    notResumed: left.map(({ instance }) => instance),
  };
}

/**
 * The parent is gone, or late. Open: nothing was decided, so the clients go on where they were.
 * Closed: they would only meet refusals there; the successor sends them to the other side.
 */
export async function settlePoolers(plan: GuardianPlan): Promise<GuardianEnd> {
  const endpoint: Endpoint = {
    url: plan.fromUrl,
    ...(plan.fromPassword === null ? {} : { password: new Secret(plan.fromPassword) }),
  };
  const deadlineMs = performance.now() + plan.settleTimeoutMs;
  for (let attempt = 0; performance.now() < deadlineMs; attempt += 1) {
    const state = await readSideState(endpoint).catch(() => null);
    if (state === 'closed') return 'left';
    if (state === 'open') {
      const left = failuresOf(await resumeInstances(plan.poolers, COMMAND_LIMITS));
      if (left.length === 0) return 'resumed';
    }
    await pause(backoffMs(attempt, RETRY_LIMITS));
  }
  return 'left';
}
