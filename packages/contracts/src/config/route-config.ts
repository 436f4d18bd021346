import { Type, type Static } from 'typebox';
import { path, url } from './values.js';

const closed = { additionalProperties: false };
const command = Type.Array(Type.String(), { minItems: 1 });

/** One entry of `routes:`; exactly one of the keys. */
export const ROUTE_CONFIG = Type.Object(
  {
    pgbouncer: Type.Optional(
      Type.Object(
        {
          admin: Type.Union([url('Admin console.'), Type.Array(url('Admin console of each.'))]),
          file: path('File of databases that its configuration includes.'),
          database: Type.String({ description: 'Name that clients connect to.' }),
          hosts: Type.Optional(
            Type.Object(
              { blue: Type.Optional(Type.String()), green: Type.Optional(Type.String()) },
              { ...closed, description: 'Where each side is, as the pooler sees it.' },
            ),
          ),
        },
        closed,
      ),
    ),
    redis: Type.Optional(Type.Object({}, closed)),
    haproxy: Type.Optional(
      Type.Object(
        {
          socket: path('Runtime socket.'),
          backend: Type.String(),
          blue: Type.String({ description: 'Name of the server of blue.' }),
          green: Type.String({ description: 'Name of the server of green.' }),
        },
        closed,
      ),
    ),
    webhook: Type.Optional(
      Type.Object(
        { url: url('Called to switch.'), probe_url: url('Asked where it leads.') },
        closed,
      ),
    ),
    exec: Type.Optional(Type.Object({ command, probe: command }, closed)),
  },
  { ...closed, minProperties: 1, maxProperties: 1 },
);

export type RouteConfig = Static<typeof ROUTE_CONFIG>;
