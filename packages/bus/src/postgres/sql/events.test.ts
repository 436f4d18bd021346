import { loadModule, parseSync } from 'libpg-query';
import { beforeAll, expect, test } from 'vitest';
import * as events from './events.js';

beforeAll(() => loadModule());

test.each([
  events.publishEvents('t', '[]'),
  events.dropOldEvents(),
  events.insertCursor('t', 'g'),
  events.lockCursor('t', 'g'),
  events.readEvents('t', '0', 1),
  events.moveCursor('t', 'g', '1'),
])('$name parses', ({ text }) => {
  expect(() => parseSync(text)).not.toThrow();
});
