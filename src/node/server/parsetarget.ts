/** The target of a request to the node, taken apart. */
import { badRequest } from '../../apimachinery/status.ts';

/** What a request to the node asks for. */
export interface Target {
  path: string;
  /** The path's words, decoded. */
  parts: string[];
  query: URLSearchParams;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    throw error instanceof URIError ? badRequest(`the path holds ${JSON.stringify(part)}, which is not percent-encoded text`) : error;
  }
}

/** Throws BadRequest for what is not percent-encoded text. */
export function parseTarget(target: string): Target {
  const url = new URL(target, 'http://node');
  return { path: url.pathname, parts: url.pathname.split('/').slice(1).map(decoded), query: url.searchParams };
}
