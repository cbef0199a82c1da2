/** Requests that a node answers: logs, exec, attach, port-forward and nodes/{name}/proxy. The API server only passes bytes on. */
import { failure, internalError } from '../../apimachinery/status.ts';
import type { NodeHandler } from '../../apimachinery/nodehandler.ts';
import type { UpgradeRequest } from '../extragroup.ts';
import type { Answer, Call } from '../types.ts';
import type { Core, Target } from '../verbs/core.ts';
import { resourceNotFound } from '../verbs/core.ts';
import { typed } from '../../kinds/typed.ts';
import { splitSchemeNamePort } from '../proxy/location.ts';
import { upgradeToPod } from '../proxy/podproxy.ts';
import { withoutCredentials } from './credentials.ts';
import { podTarget, type NodeTarget } from './podtarget.ts';

/** Where clients expect a kubelet, wherever it really listens. */
const KUBELET_PORT = 10_250;
const STREAMS = new Set(['exec', 'attach', 'portforward']);

/** Path and query at the kubelet of `name`, `name:port` or `scheme:name:port`. Throws StatusErrors. */
function kubeletTarget(core: Core, call: Call, target: Target): NodeTarget {
  const asked = splitSchemeNamePort(target.name);
  if (asked === undefined) {
    throw failure('BadRequest', `invalid node request ${JSON.stringify(target.name)}`);
  }
  const { status } = typed('v1 Node', core.require({ ...target, name: asked.name }).object);
  const kubelet = status?.daemonEndpoints?.kubeletEndpoint?.Port;
  if (asked.port !== '' && Number(asked.port) !== kubelet && Number(asked.port) !== KUBELET_PORT) {
    throw failure('BadRequest', `port ${asked.port} of node ${asked.name} is not its kubelet's, the only one that is passed on to`);
  }
  const path = call.info.rest === '' ? '/' : call.info.rest;
  return { node: asked.name, target: call.query.size === 0 ? path : `${path}?${call.query.toString()}` };
}

function nodeTarget(core: Core, call: Call, target: Target): NodeTarget | undefined {
  return target.kind.plural === 'nodes' ? kubeletTarget(core, call, target) : podTarget(core.require(target).object, call.info.subresource, call.query);
}

function handlerOf(core: Core, { node, insecure = false }: NodeTarget): NodeHandler {
  const handler = core.nodes.connect(node, { insecure });
  if (handler === undefined) {
    throw failure('ServiceUnavailable', `node ${node} is not connected: its kubelet cannot be reached`);
  }
  return handler;
}

/** A plain HTTP request: the node writes the answer. */
export function proxyToNode(core: Core, call: Call, target: Target): Answer {
  const { http } = call;
  if (http === undefined) {
    throw internalError('only requests over HTTP can be passed on to a node');
  }
  if (target.kind.plural === 'pods' && STREAMS.has(call.info.subresource)) {
    core.require(target);
    throw failure('BadRequest', 'Upgrade request required');
  }
  const where = nodeTarget(core, call, target);
  if (where === undefined) {
    return { type: 'raw', code: 200, headers: { 'content-type': 'text/plain' }, body: '' };
  }
  const handler = handlerOf(core, where);
  withoutCredentials(http.req.headers);
  handler.request(where.target, http.req, http.res);
  return { type: 'taken' };
}

/** An upgrade (WebSocket or SPDY): the node takes the socket. Throws StatusErrors before that. */
export function upgradeToNode(core: Core, call: Call, { req, socket, head }: UpgradeRequest): void {
  const { info } = call;
  const kind = core.kindOf(info);
  const name = { kind, namespace: kind.namespaced ? info.namespace : '', name: info.name };
  if (kind.group === '' && info.subresource === 'proxy' && (kind.plural === 'pods' || kind.plural === 'services')) {
    upgradeToPod(core, call, name, { req, socket, head });
    return;
  }
  const streams = kind.group === '' && ((kind.plural === 'pods' && STREAMS.has(info.subresource)) || (kind.plural === 'nodes' && info.subresource === 'proxy'));
  if (!streams || kind.subresources === undefined || !Object.hasOwn(kind.subresources, info.subresource)) {
    throw streams ? resourceNotFound() : failure('BadRequest', 'this path cannot be upgraded');
  }
  const where = nodeTarget(core, call, name);
  if (where === undefined) {
    throw failure('BadRequest', `pod ${info.name} does not have a host assigned`);
  }
  const handler = handlerOf(core, where);
  withoutCredentials(req.headers);
  handler.upgrade(where.target, req, socket, head);
}
