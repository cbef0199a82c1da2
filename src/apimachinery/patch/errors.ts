/** How patches fail: 400 for what cannot be read as a patch, 422 for what cannot be applied to this document. */
import { StatusError } from '../status.ts';

/** 422 as the API server words it; the cause says what is wrong. */
export function cannotApply(why: string): StatusError {
  return new StatusError({
    status: 'Failure',
    message: 'the server rejected our request due to an error in our request',
    reason: 'Invalid',
    details: { causes: [{ reason: 'UnexpectedServerResponse', message: why }] },
    code: 422,
  });
}
