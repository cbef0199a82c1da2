/** `continue` tokens: where a list goes on and of which revision it is. Opaque to clients, Kubernetes' own shape. */
import { badRequest, expired, type StatusError } from '../../apimachinery/status.ts';
import type { ListMeta } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';
import type { Revision } from '../../store/store.ts';

export interface Continuation {
  /** Key of the last object given, without the prefix of the list. */
  after: string;
  /** Undefined goes on with whatever the current state is: an inconsistent list that the client agreed to. */
  revision: Revision | undefined;
}

const TOKEN_VERSION = 'meta.k8s.io/v1';
const INCONSISTENT = -1;

export function encodeContinue(continuation: Continuation): string {
  const token = { v: TOKEN_VERSION, rv: continuation.revision ?? INCONSISTENT, start: `${continuation.after}\u0000` };
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function read(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return undefined;
  }
}

/** Throws BadRequest for what this server did not make. */
export function decodeContinue(token: string): Continuation {
  const value = read(token);
  if (!isObject(value) || value['v'] !== TOKEN_VERSION || typeof value['rv'] !== 'number' || !Number.isSafeInteger(value['rv'])
    || typeof value['start'] !== 'string' || value['start'] === '' || value['start'].includes('..')) {
    throw badRequest('continue key is not valid: the token was not made by this server');
  }
  return { after: value['start'].endsWith('\u0000') ? value['start'].slice(0, -1) : value['start'], revision: value['rv'] === INCONSISTENT ? undefined : value['rv'] };
}

/** 410 for a token whose snapshot is gone, with one that goes on without consistency. */
export function expiredContinue(after: string): StatusError {
  const error = expired('The provided continue parameter is too old to display a consistent list result. You can start a new list without '
    + 'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the '
    + 'provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned '
    + 'and now may show up in the list.');
  const metadata: ListMeta = { continue: encodeContinue({ after, revision: undefined }) };
  error.status.metadata = metadata;
  return error;
}
