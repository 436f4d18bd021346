/** Names of the two sides; they never change, whichever role a side has. */
export const SIDES = ['blue', 'green'] as const;
export type Side = (typeof SIDES)[number];

/** The two links of a pair: `forward` replicates blue to green, `reverse` green to blue. */
export const DIRECTIONS = ['forward', 'reverse'] as const;
export type Direction = (typeof DIRECTIONS)[number];

const ENDS = {
  forward: { source: 'blue', target: 'green' },
  reverse: { source: 'green', target: 'blue' },
} as const satisfies Record<Direction, { source: Side; target: Side }>;

export function otherSide(side: Side): Side {
  return side === 'blue' ? 'green' : 'blue';
}

export function otherDirection(direction: Direction): Direction {
  return direction === 'forward' ? 'reverse' : 'forward';
}

export function sourceOf(direction: Direction): Side {
  return ENDS[direction].source;
}

export function targetOf(direction: Direction): Side {
  return ENDS[direction].target;
}

/** The link that carries changes away from `side`. */
export function directionFrom(side: Side): Direction {
  return side === 'blue' ? 'forward' : 'reverse';
}

export function isSide(value: unknown): value is Side {
  return value === 'blue' || value === 'green';
}
