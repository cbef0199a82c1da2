/** The group that no role binds down, and what is open to everybody. */

/** Members may do everything, as in Kubernetes: whoever can sign a certificate with this group needs no roles. */
export const MASTERS = 'system:masters';

const PUBLIC_PATHS = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/']);

/** What may be asked without saying who asks. */
export const isPublicPath = (path: string): boolean =>
  PUBLIC_PATHS.has(path) || path.startsWith('/healthz/') || path.startsWith('/livez/') || path.startsWith('/readyz/');
