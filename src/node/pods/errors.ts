/** Errors that become a container's waiting reason and a pod's event. */

/** Waiting reasons of Kubernetes that a start may fail with. */
export type PodStartReason =
  | 'ErrImagePull'
  | 'ImagePullBackOff'
  | 'ErrImageNeverPull'
  | 'InvalidImageName'
  | 'CreateContainerConfigError'
  | 'CreateContainerError'
  | 'RunContainerError'
  | 'FailedMount'
  | 'FailedCreatePodSandBox'
  | 'PostStartHookError';

/**
 * A pod or one of its containers cannot start now. `reason` is shown as the container's `state.waiting.reason`
 * and in the event; `message` says what is wrong and what to do. The worker tries again with back-off.
 */
export class PodStartError extends Error {
  readonly reason: PodStartReason;

  constructor(reason: PodStartReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PodStartError';
    this.reason = reason;
  }
}

/** A pod this node will never be able to run: its phase becomes Failed with this reason. */
export class PodRejectedError extends Error {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.name = 'PodRejectedError';
    this.reason = reason;
  }
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
