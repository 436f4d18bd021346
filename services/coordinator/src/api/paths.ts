import { Type } from '@fastify/type-provider-typebox';

export const PairPath = Type.Object({ pair: Type.String() });
export const ItemPath = Type.Object({ pair: Type.String(), id: Type.String() });
export const SideName = Type.Union([Type.Literal('blue'), Type.Literal('green')]);

/** Routes that only read. */
export const VIEWER = { config: { role: 'viewer' } } as const;
export const OPERATOR = { config: { role: 'operator' } } as const;
export const ADMIN = { config: { role: 'admin' } } as const;
