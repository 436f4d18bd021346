/** Wiring only: this service runs inside `turnout serve`. */
export { createCoordinator } from './service.js';
