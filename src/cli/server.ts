/** The server a command speaks to: the instance of the data directory, or whatever KUBECONFIG names. */
import { existsSync } from 'node:fs';
import { StatusError } from '../apimachinery/status.ts';
import { Client } from '../client/client.ts';
import { httpsTransport, type HttpsTransport } from '../client/https.ts';
import { defaultKubeconfigPath, loadKubeconfig } from '../client/kubeconfig.ts';
import { CliError } from './errors.ts';
import { dataDirOf, kubeconfigPath } from './instance/record.ts';
import { text } from './messages/index.ts';

export interface Server {
  url: string;
  client: Client;
  transport: HttpsTransport;
  /** Ends idle connections, so that the process can end. */
  close(): void;
}

/** `--data-dir` first, then TELAR_DATA_DIR, then KUBECONFIG, then the default directory. */
function fileOf(dataDir: string | undefined): string {
  if (dataDir === undefined && !process.env['TELAR_DATA_DIR'] && process.env['KUBECONFIG']) {
    return defaultKubeconfigPath();
  }
  return kubeconfigPath(dataDirOf(dataDir));
}

export async function connect(dataDir: string | undefined): Promise<Server> {
  const file = fileOf(dataDir);
  if (!existsSync(file)) {
    throw new CliError(text('status.none', { dataDir: dataDirOf(dataDir) }));
  }
  const { connection } = await loadKubeconfig(file);
  const transport = httpsTransport(connection);
  return { url: connection.server, client: new Client(transport), transport, close: () => { transport.close(); } };
}

/** Runs a command against the server; a server that does not answer is said in one sentence. */
export async function withServer<T>(dataDir: string | undefined, work: (server: Server) => Promise<T>): Promise<T> {
  const server = await connect(dataDir);
  try {
    return await work(server);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (!(error instanceof StatusError) && (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'ETIMEDOUT')) {
      throw new CliError(text('error.noServer', { url: server.url }), { cause: error });
    }
    throw error;
  } finally {
    server.close();
  }
}
