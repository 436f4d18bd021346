import { messageOf } from '@turnout/core/app-error';
import { SIDES } from '@turnout/core/sides';
import { readServer } from '@turnout/postgres/catalog/server';
import { withSession, type Endpoint } from '@turnout/postgres/session';
import { configPath, readConfig } from '../configuration.js';
import { drawGrid } from '../output/grid.js';
import { print } from '../terminal.js';
import type { Session, Verb } from '../verb.js';

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly observed: string;
}

/** Runs one inspection; a failure is a finding, not the end of the examination. */
async function inspect(what: string, probe: () => Promise<string>): Promise<Finding> {
  try {
    return { what, ok: true, observed: await probe() };
  } catch (thrown) {
    return { what, ok: false, observed: messageOf(thrown) };
  }
}

function describeServer(endpoint: Endpoint): Promise<string> {
  return withSession({ endpoint, applicationName: 'turnout/doctor' }, async (session) => {
    const { versionText } = await readServer(session);
    return `PostgreSQL ${versionText}`;
  });
}

async function examine({ terminal, global, client }: Session): Promise<Finding[]> {
  const { env, signal } = terminal;
  const file = configPath(global, env) ?? 'from the environment';
  const findings = [
    await inspect(`configuration ${file}`, async () => {
      const { pairs } = readConfig(global, env);
      return `pairs: ${Object.keys(pairs).join(', ') || 'none'}`;
    }),
  ];
  if (findings[0]?.ok === true) {
    const config = readConfig(global, env);
    findings.push(await inspect('control store', () => describeServer(config.control)));
    for (const pair of Object.values(config.pairs)) {
      for (const side of SIDES) {
        findings.push(await inspect(`${pair.name} ${side}`, () => describeServer(pair[side])));
      }
    }
  }
  findings.push(
    await inspect('API', async () => {
      await client().pairs({ signal });
      return 'answers';
    }),
  );
  return findings;
}

export const doctor: Verb = {
  name: 'doctor',
  summary: 'can everything be reached from here, and what is it',
  async run(session) {
    const { terminal, global } = session;
    const findings = await examine(session);
    print(terminal, global.output, { schema: 'turnout.doctor/v1', findings, next_steps: [] }, () =>
      drawGrid(
        [
          { title: '', cell: ({ ok }) => (ok ? '✓' : '✗') },
          { title: 'what', cell: ({ what }) => what },
          { title: 'observed', cell: ({ observed }) => observed },
        ],
        findings,
      ),
    );
    return findings.every(({ ok }) => ok) ? 0 : 8;
  },
};
