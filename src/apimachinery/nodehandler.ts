/** How the API server reaches a node: types only, so that neither room imports the other. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Duplex } from 'node:stream';

/**
 * The kubelet-shaped server of one node. The API server has authenticated and authorised the request and
 * checked the pod; `target` is the kubelet's own path and query (`/containerLogs/ns/pod/container?follow=true`).
 */
export interface NodeHandler {
  request(target: string, req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse): void;
  upgrade(target: string, req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** Finds the way to a node by its name: directly in one process, over mutual TLS otherwise. */
export interface NodeConnector {
  /** `insecure`: the node's certificate is not checked. */
  connect(nodeName: string, options?: { insecure: boolean }): NodeHandler | undefined;
}
