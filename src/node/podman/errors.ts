/** What Podman's service answers when it does not do what it was asked. */

/** An answer with a failure status: `cause` and `message` are Podman's own. */
export class PodmanError extends Error {
  /** HTTP status of the answer. */
  readonly status: number;
  /** Innermost error, as Podman names it (`no such container`). */
  readonly reason: string;

  constructor(status: number, message: string, reason: string) {
    super(message);
    this.name = 'PodmanError';
    this.status = status;
    this.reason = reason;
  }
}

/** The socket cannot be reached, or the connection broke before an answer. The request may have been carried out. */
export class PodmanUnreachableError extends Error {
  constructor(what: string, options: ErrorOptions) {
    const { cause } = options;
    super(`Podman's service did not answer ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, options);
    this.name = 'PodmanUnreachableError';
  }
}

/** An answer that is not what the API promises. */
export class PodmanAnswerError extends Error {
  constructor(what: string) {
    super(`Podman answered something unexpected: ${what}`);
    this.name = 'PodmanAnswerError';
  }
}

export function isPodmanStatus(error: unknown, status: number): error is PodmanError {
  return error instanceof PodmanError && error.status === status;
}
