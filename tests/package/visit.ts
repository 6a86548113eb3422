// Visit: a web server with the files of a release, and a machine on which install.sh is run against
// it. Tests take files away, cut them or change them, each in its own visit.

import {
  decodeEnding,
  Desk,
  type Ending,
  repository,
  version,
} from "./desk.ts";

/** The script under test. */
export const script: string = `${repository}/tools/install.sh`;

/** Name of this machine's download. */
export const download: string =
  `blockframe-${version}-${Deno.build.target}.tar.xz`;

/** The files of one release, which every server begins with. */
const released: ReadonlyMap<string, Uint8Array<ArrayBuffer>> = release();

function release(): Map<string, Uint8Array<ArrayBuffer>> {
  using desk = new Desk();
  desk.release();
  const names = [...Deno.readDirSync(desk.dist)].map(({ name }) => name);
  return new Map(names.map((name) => [name, desk.read(name)]));
}

/** Files as a web server has them, and a machine that they are installed on. */
export class Visit implements AsyncDisposable {
  readonly files: Map<string, Uint8Array<ArrayBuffer>> = new Map(released);
  readonly path: string = Deno.makeTempDirSync({ prefix: "blockframe pre " });
  readonly prefix: string = `${this.path}/my prefix`;
  /** Names that were asked for. */
  readonly asked: string[] = [];
  /** Names of files that are sent only in part, with the length of the whole. */
  readonly cut: Set<string> = new Set();
  readonly #server: Deno.HttpServer<Deno.NetAddr> = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, (request) => this.#answer(request));

  /** Where the files are served. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** The program that is in the download. */
  get program(): Uint8Array {
    return released.get("blockframe")!;
  }

  /** Serves `bytes` as the download, with sums that are right. */
  async publish(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    const sum = new Uint8Array(digest).toHex();
    const sums = new TextEncoder().encode(`${sum}  ${download}\n`);
    this.files.set(download, bytes);
    this.files.set("SHA256SUMS", sums);
  }

  /** Runs install.sh to its end, in the words of one shell. */
  async install(
    args: readonly string[] = ["--base-url", this.url, "--prefix", this.prefix],
    options: { shell?: string[]; env?: Record<string, string> } = {},
  ): Promise<Ending> {
    const [program, ...words] = options.shell ?? ["dash"];
    const output = await new Deno.Command(program!, {
      args: [...words, script, ...args],
      cwd: this.path,
      clearEnv: true,
      env: {
        PATH: Deno.env.get("PATH")!,
        HOME: `${this.path}/home`,
        ...options.env,
      },
      stdin: "null",
    }).output();
    return decodeEnding(output);
  }

  /** Puts programs that print what they are told in front of the PATH; gives that PATH. */
  pretend(programs: Readonly<Record<string, string>>): { PATH: string } {
    const folder = `${this.path}/pretend`;
    Deno.mkdirSync(folder);
    for (const [name, body] of Object.entries(programs)) {
      Deno.writeTextFileSync(`${folder}/${name}`, `#!/bin/sh\n${body}\n`);
      Deno.chmodSync(`${folder}/${name}`, 0o755);
    }
    return { PATH: `${folder}:${Deno.env.get("PATH")}` };
  }

  async #answer(request: Request): Promise<Response> {
    const name = new URL(request.url).pathname.slice(1);
    this.asked.push(name);
    await request.body?.cancel();
    const bytes = this.files.get(name);
    if (bytes === undefined) {
      return new Response("no such file", { status: 404 });
    }
    return new Response(this.cut.has(name) ? bytes.slice(0, 1000) : bytes);
  }

  /** Stops the server and removes the machine. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await Deno.remove(this.path, { recursive: true });
  }
}
