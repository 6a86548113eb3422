import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  type Bytes,
  encodeUtf8,
  formatHex,
  joinBytes,
} from "../../src/base/bytes.ts";
import { Prng } from "../../src/base/prng.ts";
import { planGeometry, slotCountOf } from "../../src/format/geometry.ts";
import {
  decodeManifest,
  encodeManifest,
  type Manifest,
} from "../../src/format/manifest.ts";
import { pageCountOf, planOutboardRecord } from "../../src/format/outboard.ts";
import { planPages } from "../../src/format/pages.ts";
import { parsePolicy, shardsOf } from "../../src/format/policy.ts";

// The digest is a parameter of the format, so its tests need no codec: SHA-256 would do as well as
// this FNV-based stand-in; what matters is that one changed bit changes it.
function digest(bytes: Bytes): Bytes {
  const out = new Uint8Array(32);
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  for (let index = 0; index < 32; index++) {
    hash = Math.imul(hash ^ index, 0x01000193) >>> 0;
    out[index] = hash >>> 16;
  }
  return out;
}

function makeManifest(
  payloadBytes: number,
  policyText = "erasure:30+3",
  seed = 1,
): Manifest {
  const prng = new Prng(seed);
  const policy = parsePolicy(policyText);
  const geometry = planGeometry({ payloadBytes, ...shardsOf(policy) });
  return {
    id: "00ff00ff00ff00ff",
    name: "Bündel \n\u202e.tar",
    created: "2026-11-21T08:00:00.000Z",
    tier: 3,
    policy,
    geometry,
    root: prng.bytes(32),
    outboard: planOutboardRecord(
      prng.bytes(32 * slotCountOf(geometry)),
      digest,
    ),
    source: { modified: "2026-01-01T00:00:00.123Z", mode: "0644" },
  };
}

/** Bytes of a manifest with changed members and a right check. */
function forge(change: (members: Record<string, unknown>) => void): Bytes {
  const text = new TextDecoder().decode(
    encodeManifest(makeManifest(1000), digest),
  );
  const members = JSON.parse(text);
  delete members["manifest_blake3"];
  change(members);
  const body = encodeUtf8(
    JSON.stringify(members, null, 2).replace(/\n}$/, ",\n"),
  );
  const check = formatHex(digest(body));
  return joinBytes([body, encodeUtf8(`  "manifest_blake3": "${check}"\n}\n`)]);
}

Deno.test("decodeManifest() gives back what encodeManifest() wrote", () => {
  for (const bytes of [0, 1, 1000, 5_000_000, 400_000_000, 3_000_000_000]) {
    for (const policy of ["erasure:30+3", "replicate:3", "erasure:4+0"]) {
      const manifest = makeManifest(bytes, policy);
      const decoded = decodeManifest(encodeManifest(manifest, digest), digest);
      deepStrictEqual(
        decoded,
        { kind: "valid", manifest },
        `${bytes} ${policy}`,
      );
    }
  }
});

Deno.test("decodeManifest() gives back parity across blocks, which a feature names", () => {
  const plain = makeManifest(200_000_000);
  const geometry = planGeometry({
    payloadBytes: 200_000_000,
    ...shardsOf(plain.policy),
    segmentBytesMax: 65536,
    acrossBlocks: true,
  });
  const digests = new Prng(5).bytes(32 * slotCountOf(geometry));
  const outboard = planOutboardRecord(digests, digest);
  const manifest = { ...plain, geometry, outboard };
  const bytes = encodeManifest(manifest, digest);
  deepStrictEqual(decodeManifest(bytes, digest), { kind: "valid", manifest });
  const members = JSON.parse(new TextDecoder().decode(bytes));
  deepStrictEqual(members.required_features, ["cross_block_parity"]);
  deepStrictEqual(members.cross_block, { groups: 1, parity: 3 });
  const others = JSON.parse(
    new TextDecoder().decode(encodeManifest(plain, digest)),
  );
  ok(!("cross_block" in others));
  deepStrictEqual(others.required_features, []);
});

Deno.test("decodeManifest() refuses parity across blocks that does not fit, or is not named", () => {
  const feature = ["cross_block_parity"];
  const rows: [unknown, unknown][] = [
    [{ groups: 1, parity: 1 }, []],
    [undefined, feature],
    [{ groups: 0, parity: 1 }, feature],
    [{ groups: 2, parity: 1 }, feature],
    [{ groups: 1, parity: 0 }, feature],
    [{ groups: 1, parity: 256 }, feature],
    [{ groups: 1e300, parity: 1 }, feature],
    [{ groups: 1, parity: "1" }, feature],
    [{ groups: 1 }, feature],
    [[], feature],
    [null, feature],
    [7, feature],
  ];
  for (const [crossBlock, features] of rows) {
    const bytes = forge((members) => {
      members["required_features"] = features;
      members["cross_block"] = crossBlock;
    });
    const { kind } = decodeManifest(bytes, digest);
    strictEqual(kind, "invalid", JSON.stringify(crossBlock));
  }
  for (const policy of ["replicate:3", "erasure:1+2"]) {
    const bytes = forge((members) => {
      members["policy"] = policy;
      members["required_features"] = feature;
      members["cross_block"] = { groups: 1, parity: 1 };
    });
    strictEqual(decodeManifest(bytes, digest).kind, "invalid", policy);
  }
  const large = forge((members) => {
    members["policy"] = "erasure:2+254";
    members["payload_bytes"] = 2 * 200 * 1024;
    members["segment_bytes"] = 1024;
    members["leaf_bytes"] = 1024;
    members["required_features"] = feature;
    members["cross_block"] = { groups: 1, parity: 1 };
  });
  strictEqual(decodeManifest(large, digest).kind, "unsupported");
  const other = forge((members) => {
    members["required_features"] = [...feature, "telepathy"];
    members["cross_block"] = { groups: 1, parity: 1 };
  });
  const decoded = decodeManifest(other, digest);
  ok(decoded.kind === "unsupported" && /telepathy/.test(decoded.problem));
  ok(decoded.kind === "unsupported" && !/cross/.test(decoded.problem));
});

Deno.test("encodeManifest() writes JSON whose last line but one checks the lines before it", () => {
  const text = new TextDecoder().decode(
    encodeManifest(makeManifest(5000), digest),
  );
  const members = JSON.parse(text);
  strictEqual(members.format, "blockframe");
  const lines = text.split("\n");
  const body = lines.slice(0, -3).join("\n") + "\n";
  strictEqual(members.manifest_blake3, formatHex(digest(encodeUtf8(body))));
});

Deno.test("decodeManifest() calls every single flipped bit damage", () => {
  const bytes = encodeManifest(makeManifest(100_000), digest);
  let checked = 0;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    strictEqual(decodeManifest(flipped, digest).kind, "damaged", `bit ${bit}`);
    checked++;
  }
  ok(checked > 10_000);
});

Deno.test("decodeManifest() calls every truncation and extension damage", () => {
  const bytes = encodeManifest(makeManifest(1000), digest);
  for (let length = 0; length < bytes.length; length++) {
    strictEqual(
      decodeManifest(bytes.subarray(0, length), digest).kind,
      "damaged",
    );
  }
  strictEqual(
    decodeManifest(joinBytes([bytes, new Uint8Array(1)]), digest).kind,
    "damaged",
  );
});

Deno.test("decodeManifest() refuses members outside the format although the check is right", () => {
  const rows: [string, (members: Record<string, unknown>) => void][] = [
    ["format", (m) => m["format"] = "other"],
    ["version text", (m) => m["version"] = "1"],
    ["features", (m) => m["required_features"] = "x"],
    ["id with path", (m) => m["id"] = "../../../etc/pas"],
    ["id short", (m) => m["id"] = "00"],
    ["name ..", (m) => m["name"] = ".."],
    ["name with slash", (m) => m["name"] = "../x"],
    ["name absolute", (m) => m["name"] = "/etc/passwd"],
    ["name NUL", (m) => m["name"] = "a\0"],
    ["name number", (m) => m["name"] = 5],
    ["name missing", (m) => delete m["name"]],
    ["created", (m) => m["created"] = "yesterday"],
    ["tier", (m) => m["tier"] = 5],
    ["policy", (m) => m["policy"] = "erasure:300+1"],
    ["payload negative", (m) => m["payload_bytes"] = -1],
    ["payload fraction", (m) => m["payload_bytes"] = 1.5],
    ["payload huge", (m) => m["payload_bytes"] = 2 ** 60],
    ["payload other", (m) => m["payload_bytes"] = 100_000_000],
    ["leaf zero", (m) => m["leaf_bytes"] = 0],
    ["leaf odd", (m) => m["leaf_bytes"] = 3000],
    ["leaf big", (m) => m["leaf_bytes"] = 131072],
    ["segment zero", (m) => m["segment_bytes"] = 0],
    [
      "segment broken",
      (m) => m["segment_bytes"] = (m["segment_bytes"] as number) + 1,
    ],
    ["segment huge", (m) => m["segment_bytes"] = 2 ** 40],
    ["root", (m) => m["root"] = "00"],
    ["root upper case", (m) => m["root"] = "A".repeat(64)],
    ["outboard missing", (m) => delete m["outboard"]],
    ["outboard pages", (m) => m["outboard"] = { pages: [] }],
    ["outboard short", (m) => m["outboard"] = { inline: "" }],
    ["source", (m) => m["source"] = []],
    ["mode", (m) => m["source"] = { mode: "9999" }],
    ["modified", (m) => m["source"] = { modified: 7 }],
  ];
  strictEqual(decodeManifest(forge(() => {}), digest).kind, "valid");
  for (const [what, change] of rows) {
    strictEqual(decodeManifest(forge(change), digest).kind, "invalid", what);
  }
});

Deno.test("decodeManifest() says that a newer version or feature is not known", () => {
  const rows: ((members: Record<string, unknown>) => void)[] = [
    (m) => m["version"] = 2,
    (m) => m["required_features"] = ["encryption"],
    // Rather than allocating what nobody could: 2^52 bytes in leaves of 1 KiB.
    (m) =>
      Object.assign(m, {
        payload_bytes: 2 ** 52,
        leaf_bytes: 1024,
        segment_bytes: 1024,
      }),
  ];
  for (const change of rows) {
    strictEqual(decodeManifest(forge(change), digest).kind, "unsupported");
  }
});

Deno.test("decodeManifest() ignores members that it does not know", () => {
  strictEqual(
    decodeManifest(forge((m) => m["colour"] = { blue: 1 }), digest).kind,
    "valid",
  );
});

Deno.test("decodeManifest() never throws, whatever JSON is in the right frame", () => {
  const json = fc.jsonValue();
  const member = fc.constantFrom(
    "version",
    "required_features",
    "id",
    "name",
    "created",
    "tier",
    "policy",
    "payload_bytes",
    "segment_bytes",
    "leaf_bytes",
    "root",
    "source",
    "outboard",
  );
  fc.assert(
    fc.property(member, json, (key, value) => {
      const decoded = decodeManifest(
        forge((members) => members[key] = value),
        digest,
      );
      ok(["valid", "invalid", "unsupported"].includes(decoded.kind));
    }),
    { numRuns: 500 },
  );
});

/** A manifest of a tree whose compressed table has that many bytes. */
function makeTree(compressedBytes: number): Manifest {
  const prng = new Prng(2);
  return {
    ...makeManifest(1000),
    files: {
      counts: {
        fileCount: 3,
        folderCount: 2,
        linkCount: 1,
        hardLinkCount: 4,
        contentBytes: 2 ** 40,
      },
      tableBytes: 5 * compressedBytes,
      tableRoot: prng.bytes(32),
      compressed: planPages(prng.bytes(compressedBytes), digest),
    },
  };
}

Deno.test("decodeManifest() gives back what a tree's manifest says of its file table", () => {
  for (const bytes of [20, 65_536, 65_537, 1_000_000]) {
    const manifest = makeTree(bytes);
    const encoded = encodeManifest(manifest, digest);
    ok(
      new TextDecoder().decode(encoded).includes(
        '"required_features": [\n    "file_table"\n  ]',
      ),
    );
    deepStrictEqual(decodeManifest(encoded, digest), {
      kind: "valid",
      manifest,
    });
  }
});

Deno.test("decodeManifest() refuses a file table that breaks a rule", () => {
  const rows: [string, (files: Record<string, unknown>) => void][] = [
    ["page missing", (files) => files["pages"] = []],
    ["page short", (files) => files["pages"] = ["00"]],
    ["size of another", (files) => files["compressed_bytes"] = 70_000],
    ["no size", (files) => files["compressed_bytes"] = 0],
    ["huge", (files) => files["table_bytes"] = 2 ** 40],
    ["negative", (files) => files["files"] = -1],
    ["no digest", (files) => delete files["table_blake3"]],
  ];
  const encoded = new TextDecoder().decode(
    encodeManifest(makeTree(1000), digest),
  );
  const good = JSON.parse(encoded)["files"];
  for (const [what, change] of [["good", () => {}] as const, ...rows]) {
    const files = structuredClone(good);
    change(files);
    const forged = forge((members) => {
      members["required_features"] = ["file_table"];
      members["files"] = files;
    });
    strictEqual(
      decodeManifest(forged, digest).kind,
      what === "good" ? "valid" : "invalid",
      what,
    );
  }
  const lacking = forge((m) => m["required_features"] = ["file_table"]);
  strictEqual(decodeManifest(lacking, digest).kind, "invalid");
  // A member that nobody announced is one that old readers ignore, and so do we.
  const unannounced = forge((m) => m["files"] = good);
  strictEqual(decodeManifest(unannounced, digest).kind, "valid");
});

Deno.test("decodeManifest() never throws on bytes at random", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
    strictEqual(decodeManifest(bytes, digest).kind, "damaged");
  }));
});

Deno.test("planOutboardRecord() lists one digest a page once the outboard is large", () => {
  const manifest = makeManifest(3_000_000_000);
  ok(manifest.outboard.kind === "pages");
  const pages = pageCountOf(slotCountOf(manifest.geometry));
  strictEqual(manifest.outboard.pageDigests.length, 32 * pages);
  ok(pages > 10);
});
