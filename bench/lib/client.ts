/** The API of an instance under test, over HTTPS as any client has it. */
import { Client } from '../../src/client/client.ts';
import { httpsTransport } from '../../src/client/https.ts';
import { loadKubeconfig } from '../../src/client/kubeconfig.ts';

export async function clientOf(kubeconfig: string): Promise<Client> {
  const { connection } = await loadKubeconfig(kubeconfig);
  return new Client(httpsTransport(connection));
}
