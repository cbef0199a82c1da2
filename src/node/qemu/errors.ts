/** An instance this node cannot run as it is described; the message says why and what to change. */
export class LaunchError extends Error {
  override name = 'LaunchError';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
