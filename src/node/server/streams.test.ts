import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAboutPodmansPipe } from './streams.ts';

test("what Podman says of its own pipe is not the command's", () => {
  const about = (text: string): boolean => isAboutPodmansPipe(Buffer.from(text));
  assert.equal(about('Error: read unixpacket @->/proc/self/fd/13/attach: read: connection reset by peer\n'), true);
  assert.equal(about('Error: runc: exec failed: unable to start container process: exec: "x": executable file not found in $PATH\n'), false);
  assert.equal(about('Error: read unixpacket @->/proc/self/fd/13/attach: read: connection reset by peer\nand more'), false);
});
