/** Requests that another API server answers: who asks goes along in headers, credentials stay here. */
import type { Duplex } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { failure, StatusError } from '../../apimachinery/status.ts';
import { isObject } from '../../apimachinery/values.ts';
import { forwardRequest, forwardUpgrade, type Backend } from '../proxy/forward.ts';
import { withoutCredentials } from '../subresources/credentials.ts';
import type { Answer, Call } from '../types.ts';
import { exchange } from './exchange.ts';
import { remoteHeaders } from './remote.ts';

/** Nobody else may say who a user is. */
function withoutIdentity(headers: Record<string, string | string[] | undefined>): void {
  withoutCredentials(headers);
  for (const name of Object.keys(headers)) {
    if (name.startsWith('x-remote-')) {
      delete headers[name];
    }
  }
}

const backendOf = (options: RequestOptions, call: Call): Backend => ({
  secure: true, options,
  headers: { host: String(options.servername), 'x-forwarded-for': call.http?.req.socket.remoteAddress ?? '', ...remoteHeaders(call.user) },
  unreachable: (error) => failure('ServiceUnavailable', `error trying to reach service: ${error.message}`),
});

/** As kube-aggregator answers for a server that is not there. */
export const unavailable: Answer = {
  type: 'raw', code: 503, headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }, body: 'service unavailable\n',
};

/** The other server writes the answer, watches included. Rejects with StatusErrors. */
export function passOn(options: RequestOptions, call: Call): Answer | Promise<Answer> {
  const { http } = call;
  if (http === undefined) {
    return askFor(options, call);
  }
  withoutIdentity(http.req.headers);
  forwardRequest(backendOf(options, call), http.req.url ?? '/', http.req, http.res);
  return { type: 'taken' };
}

/** A request of somebody in this process: read whole. */
async function askFor(options: RequestOptions, call: Call): Promise<Answer> {
  if (call.verb === 'watch') {
    throw failure('MethodNotAllowed', 'objects of another API server can be watched over HTTP only');
  }
  const { body } = call;
  const text = body.kind === 'value' ? JSON.stringify(body.value) : '';
  const contentType = body.kind === 'value' && body.contentType !== '' ? body.contentType : 'application/json';
  const query = call.query.size === 0 ? '' : `?${call.query.toString()}`;
  const { code, value } = await exchange({ ...options, path: `${call.info.path}${query}`, method: call.method, headers: {
    accept: 'application/json', ...remoteHeaders(call.user), ...(text === '' ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
  } }, text);
  if (code >= 400) {
    throw isObject(value) && value['kind'] === 'Status' ? new StatusError({
      status: 'Failure', code, message: String(value['message']), ...(typeof value['reason'] === 'string' ? { reason: value['reason'] } : {}),
      ...(isObject(value['details']) ? { details: value['details'] } : {}),
    }) : failure('ServiceUnavailable', `the server behind ${call.info.path} answered ${code}`);
  }
  return { type: 'raw', code, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

export function passUpgradeOn(options: RequestOptions, call: Call, request: { req: IncomingMessage; socket: Duplex; head: Buffer }): void {
  withoutIdentity(request.req.headers);
  forwardUpgrade(backendOf(options, call), request.req.url ?? '/', request);
}
