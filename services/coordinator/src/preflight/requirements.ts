import { OBJECT_REQUIREMENTS } from './object-requirements.js';
import type { Requirement } from './requirement.js';
import { ROLE_REQUIREMENTS } from './role-requirements.js';
import { SERVER_REQUIREMENTS } from './server-requirements.js';
import { TARGET_REQUIREMENTS } from './target-requirements.js';

/** Everything a pair needs, in the order in which it is told. */
export const REQUIREMENTS: readonly Requirement[] = [
  ...SERVER_REQUIREMENTS,
  ...ROLE_REQUIREMENTS,
  ...OBJECT_REQUIREMENTS,
  ...TARGET_REQUIREMENTS,
];
