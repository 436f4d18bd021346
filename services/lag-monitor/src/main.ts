/** Wiring only: this service runs inside `turnout serve`. */
export { createLagMonitor } from './service.js';
