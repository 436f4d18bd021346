import { Runtimes } from '@turnout/coordinator/runtime';
import { buildApi, describeApi } from '@turnout/coordinator/api/server';
import { createLogger } from '@turnout/service-kit/logger';

/** The description of the API, from the very routes that serve it. */
export async function openapi(): Promise<string> {
  const fine = { ok: true, reason: null };
  const api = await buildApi({
    runtimes: new Runtimes([]),
    tokens: [],
    logger: createLogger({ level: 'fatal', service: 'gen' }),
    probes: {
      alive: () => fine,
      ready: () => Promise.resolve(fine),
      metrics: () => Promise.resolve(''),
    },
  });
  try {
    return `${JSON.stringify(await describeApi(api), null, 2)}\n`;
  } finally {
    await api.close();
  }
}
