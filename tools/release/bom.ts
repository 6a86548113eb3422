// Bill of materials: what the executables are made of, as a CycloneDX document that other people's
// scanners read. The same input gives the same bytes: its time is the commit's, and its number is
// made from its content.

import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import type { Part, Runtime } from "./parts.ts";
import { partKey } from "./parts.ts";

/** A file of the release, and its digest. */
export interface ReleaseFile {
  readonly name: string;
  /** SHA-256 in hexadecimal. */
  readonly sha256: string;
}

/** An executable, by its target's name, and what runs it. */
export interface Program extends ReleaseFile {
  readonly runtime: Runtime;
}

/** What the document is about. */
export interface Product {
  readonly version: string;
  readonly commit: string | undefined;
  readonly epochSeconds: number;
  readonly executables: readonly Program[];
}

/** The document as text, CycloneDX 1.6. */
export async function formatBom(
  product: Product,
  parts: readonly Part[],
): Promise<string> {
  const bom = new Models.Bom();
  const components = new Map(
    parts.map((part) => [partKey(part), describePart(part)]),
  );
  for (const part of parts) {
    const component = components.get(partKey(part))!;
    for (const need of part.needs) {
      component.dependencies.add(components.get(need)!.bomRef);
    }
    bom.components.add(component);
  }
  const crates = new Map<string, Models.Component>();
  for (const { runtime } of product.executables) {
    const deno = components.get(denoKey(runtime))!;
    for (const crate of runtime.crates) {
      const component = crates.get(crate) ?? describeCrate(crate);
      crates.set(crate, component);
      bom.components.add(component);
      deno.dependencies.add(component.bomRef);
    }
  }
  bom.metadata.timestamp = new Date(product.epochSeconds * 1000);
  bom.metadata.component = describeProduct(product, components);
  const unnumbered = serialize(bom);
  bom.serialNumber = `urn:uuid:${await uuidOf(unnumbered)}`;
  return serialize(bom);
}

function serialize(bom: Models.Bom): string {
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  const serializer = new Serialize.JsonSerializer(factory);
  return serializer.serialize(bom, { sortLists: true, space: 2 }) + "\n";
}

function describeProduct(
  product: Product,
  parts: ReadonlyMap<string, Models.Component>,
): Models.Component {
  const component = new Models.Component(
    Enums.ComponentType.Application,
    "blockframe",
    { version: product.version, bomRef: "blockframe" },
  );
  component.licenses.add(new Models.SpdxLicense("MIT"));
  if (product.commit !== undefined) {
    component.properties.add(
      new Models.Property("blockframe:commit", product.commit),
    );
  }
  for (const { bomRef } of parts.values()) component.dependencies.add(bomRef);
  for (const { name, sha256, runtime } of product.executables) {
    const file = new Models.Component(Enums.ComponentType.File, name, {
      bomRef: `file:${name}`,
    });
    file.hashes.set(Enums.HashAlgorithm["SHA-256"], sha256);
    file.dependencies.add(parts.get(denoKey(runtime))!.bomRef);
    component.components.add(file);
  }
  return component;
}

function describePart(part: Part): Models.Component {
  const [, group, name] = part.name.match(/^(?:(@[^/]+)\/)?(.*)$/)!;
  const type = part.kind === "runtime"
    ? Enums.ComponentType.Platform
    : Enums.ComponentType.Library;
  const component = new Models.Component(type, name!, {
    bomRef: `${part.kind}:${partKey(part)}`,
    ...(group === undefined ? {} : { group }),
    ...(part.version === undefined ? {} : { version: part.version }),
    ...(part.purl === undefined ? {} : { purl: part.purl }),
  });
  component.licenses.add(
    part.licence.includes(" ")
      ? new Models.LicenseExpression(part.licence)
      : new Models.SpdxLicense(part.licence as "MIT"),
  );
  if (part.sha512 !== undefined) {
    component.hashes.set(Enums.HashAlgorithm["SHA-512"], part.sha512);
  }
  return component;
}

function denoKey({ deno }: Runtime): string {
  return `deno@${deno}`;
}

/** A crate inside the runtime, by what scanners look for. */
function describeCrate(crate: string): Models.Component {
  const [name, version] = crate.split("@") as [string, string];
  return new Models.Component(Enums.ComponentType.Library, name, {
    bomRef: `crate:${crate}`,
    version,
    purl: `pkg:cargo/${name}@${version.replace("+", "%2B")}`,
  });
}

/** A UUID (version 8: of our own making) from the text's digest. */
async function uuidOf(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  digest[6] = digest[6]! & 0x0f | 0x80;
  digest[8] = digest[8]! & 0x3f | 0x80;
  const hex = digest.toHex();
  const ends = [0, 8, 12, 16, 20, 32];
  return ends.slice(1).map((end, index) => hex.slice(ends[index], end))
    .join("-");
}
