/** The API server as one of its own users: for what it makes and keeps by itself. */
import { isStatusError } from '../apimachinery/status.ts';
import type { User } from './types.ts';
import type { WriteContext } from './verbs/writes.ts';

export const SERVER_USER: User = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

export const serverContext = (): WriteContext => ({ user: SERVER_USER, dryRun: false, warnings: [] });

/** Waits for a write; that somebody deleted the object meanwhile leaves nothing to do. */
export async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) {
      throw error;
    }
  }
}
