/** What every controller is handed. */
import type { Log } from '../apimachinery/log.ts';
import type { Client } from '../client/client.ts';
import type { Controller } from '../client/controller.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informers } from '../client/informers.ts';

/** A user as the API server knows it. */
export interface Identity {
  name: string;
  groups: string[];
}

export interface ControllerContext {
  client: Client;
  /** A client for one controller that may do what that controller needs; without it all share `client`. */
  clientOf?: (identity: Identity) => Client;
  /** Shared by all controllers of the process. */
  informers: Informers;
  /** Controllers speak as their own component: `recorder.as('deployment-controller')`. */
  recorder: EventRecorder;
  log: Log;
  /** Addresses of pods, from which nodes get their ranges. */
  podCidr: string;
  /** PEM of the authority pods should trust for this API server; without it no `kube-root-ca.crt` is written. */
  rootCa?: string;
}

/** Builds a controller; nothing runs and no informer is asked for before this is called. */
export type ControllerFactory = (context: ControllerContext) => Controller;
