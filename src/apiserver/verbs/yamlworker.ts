/** The thread that reads long YAML documents: a byte of YAML takes a hundred times as long as one of JSON. One document in, one answer out. */
import { parentPort, type MessagePort } from 'node:worker_threads';
import { MAX_JSON_DEPTH } from '../../apimachinery/json.ts';
import { StatusError } from '../../apimachinery/status.ts';
import { parseYaml } from '../../apimachinery/yaml.ts';
import type { YamlAnswer } from './yamlreader.ts';

/** Sends the answer. */
function answer(port: MessagePort, text: string): void {
  const send = (message: YamlAnswer, moved: readonly ArrayBuffer[]): void => port.postMessage(message, moved);
  try {
    const { value, duplicates } = parseYaml(text, MAX_JSON_DEPTH);
    const json = new TextEncoder().encode(JSON.stringify(value));
    send({ json, duplicates }, [json.buffer]);
  } catch (error) {
    if (!(error instanceof StatusError)) {
      throw error;
    }
    send({ refused: error.status }, []);
  }
}

const port = parentPort;
port?.on('message', (text: string) => answer(port, text));
