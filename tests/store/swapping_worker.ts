/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
// A worker that puts a link in the place of a folder and takes it away again, as fast as it can, until
// it is told to stop: what whoever owns the folder above may do at any time.

self.onmessage = ({ data }) => {
  const { folder, trap } = data;
  const stop: Int32Array = data.stop;
  self.postMessage("started");
  while (Atomics.load(stop, 0) === 0) {
    Deno.renameSync(folder, `${folder}.aside`);
    Deno.renameSync(trap, folder);
    Deno.renameSync(folder, trap);
    Deno.renameSync(`${folder}.aside`, folder);
  }
  self.postMessage("stopped");
};
