/**
 * Browsers cannot set headers on a WebSocket, so Kubernetes lets them name their token among the subprotocols. It must
 * never come back in an answer nor reach a node.
 */
const PREFIX = 'base64url.bearer.authorization.k8s.io.';

const protocols = (header: string): string[] => header.split(',').map((one) => one.trim()).filter((one) => one !== '');

/** The bearer token among the offered subprotocols. */
export function protocolToken(header: string | undefined): string | undefined {
  const found = header === undefined || !header.includes(PREFIX) ? undefined : protocols(header).find((one) => one.startsWith(PREFIX));
  return found === undefined ? undefined : Buffer.from(found.slice(PREFIX.length), 'base64url').toString();
}

/** The header without the token; undefined when nothing else was offered. */
export function withoutToken(header: string): string | undefined {
  const rest = protocols(header).filter((one) => !one.startsWith(PREFIX));
  return rest.length === 0 ? undefined : rest.join(', ');
}
