/** What a client proves itself with is for the API server alone. */
import { withoutToken } from '../authn/websocket.ts';

/** Takes credentials off headers that are about to be passed on. */
export function withoutCredentials(headers: Record<string, string | string[] | undefined>): void {
  delete headers['authorization'];
  for (const name of Object.keys(headers)) {
    if (name.startsWith('impersonate-')) {
      delete headers[name];
    }
  }
  const offered = headers['sec-websocket-protocol'];
  if (typeof offered === 'string') {
    const rest = withoutToken(offered);
    if (rest === undefined) {
      delete headers['sec-websocket-protocol'];
    } else {
      headers['sec-websocket-protocol'] = rest;
    }
  }
}
