/** What can stand in the way of a start and a person can change. */

export type StartFaultReason =
  /** `what`, `range`, `other`, `via`, `flag`: the machine reaches addresses of the instance by another route. */
  | 'RangeTaken'
  /** `why`: no OCI runtime runs a container. */
  | 'NoRuntime'
  /** `why`: what is on disk is not a store that can be read. */
  | 'StoreUnusable'
  /** `why`: the node gets no certificate with the kubeconfig it was given. */
  | 'NotCertified'
  /** `why`: a file or value given with an option is not what the option needs. */
  | 'BadOption';

/** The message is English and whole; `reason` and `details` let the command line say it in the user's language. */
export class StartFault extends Error {
  readonly reason: StartFaultReason;
  readonly details: Readonly<Record<string, string>>;

  constructor(reason: StartFaultReason, details: Readonly<Record<string, string>>, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartFault';
    this.reason = reason;
    this.details = details;
  }
}
