/** Wiring only: this service runs inside `turnout serve`. */
export { createReplicator } from './service.js';
