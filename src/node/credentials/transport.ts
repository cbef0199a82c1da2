/** The way to the API server for a client whose certificate is renewed while it works. */
import { httpsTransport, type Connection, type HttpsTransport } from '../../client/https.ts';
import type { ApiRequest, ApiWatchEvent, Transport } from '../../client/transport.ts';

export class RenewableTransport implements Transport {
  #current: HttpsTransport;

  constructor(connection: Connection) {
    this.#current = httpsTransport(connection);
  }

  /** Requests from now on. Those under way end as they began, and the server closes the connections that are idle then. */
  use(connection: Connection): void {
    this.#current = httpsTransport(connection);
  }

  request(request: ApiRequest): Promise<unknown> {
    return this.#current.request(request);
  }

  watch(request: ApiRequest): AsyncIterable<ApiWatchEvent> {
    return this.#current.watch(request);
  }

  close(): void {
    this.#current.close();
  }
}
