/**
 * A group whose requests a module of its own answers (`subresources.kubevirt.io`): a table of these is handed to
 * `createApiServer`. The pipeline has read the path, authenticated and authorised; the module does the rest.
 */
import type { Duplex } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import type { Answer, Call } from './types.ts';
import type { Core } from './verbs/core.ts';

export interface ExtraGroup {
  readonly group: string;
  /** An APIService for the group, which a user brings, takes the module's place. */
  readonly yields?: boolean;
  /**
   * Every request below `/apis/<group>`; for `/apis/<group>` itself and `/apis/<group>/<version>`, `call.info.isResource` is false.
   * Throw a StatusError to refuse. `{type: 'taken'}` when the handler answers on `call.http` (a proxy).
   */
  handle(call: Call, core: Core): Answer | Promise<Answer>;
  /**
   * A WebSocket or SPDY upgrade. Throwing a StatusError answers it as HTTP before the upgrade; otherwise the
   * handler owns the socket, usually by `core.nodes.connect(node)?.upgrade(target, req, socket, head)`.
   */
  upgrade?(call: Call, core: Core, upgrade: UpgradeRequest): void | Promise<void>;
}

export interface UpgradeRequest {
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}
