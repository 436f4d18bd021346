/**
 * Names of the steps of a switch, in order: they label metrics and events. What each does stands in the
 * step table of the coordinator.
 */
export const STEP_IDS = [
  'acquire',
  'gates',
  'arm',
  'hold',
  'fence',
  'drain',
  'verify',
  'prepare',
  'decide',
  'route',
  'watch',
  'report',
] as const;
export type StepId = (typeof STEP_IDS)[number];
