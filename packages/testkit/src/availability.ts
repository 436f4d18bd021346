/**
 * What a suite does about a component that is not installed: it is skipped with the reason on the
 * screen, but fails where `CI=true`, for there a skipped suite would pass for a tested one.
 *
 * @returns true when the suite must be skipped
 */
export async function mustSkip(available: () => Promise<string | null>): Promise<boolean> {
  const missing = await available();
  if (missing === null) return false;
  if (process.env['CI'] === 'true') throw new Error(`not available: ${missing}`);
  process.stderr.write(`skipped: ${missing}\n`);
  return true;
}
