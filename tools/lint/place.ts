// Place: where a linted file or an imported one lies in the repository. Rules speak of paths from
// the root, with "/", whatever machine they run on.

const rootUrl = new URL("../../", import.meta.url);

/** The path of a file from the root of the repository; a path that is relative already stays. */
export function placeOf(filename: string): string {
  const path = filename.replaceAll("\\", "/");
  const root = decodeURIComponent(rootUrl.pathname).replace(
    /^\/(?=[A-Za-z]:)/,
    "",
  );
  return path.startsWith(root) ? path.slice(root.length) : path;
}

/** What `specifier` in the file `source` leads to: a path from the root, or the package's specifier. */
export function targetOf(source: string, specifier: string): string {
  if (!/^(\.{1,2}\/|\/|file:)/.test(specifier)) return specifier;
  return placeOf(
    decodeURIComponent(new URL(specifier, new URL(source, rootUrl)).pathname),
  );
}

/** Whether the file is part of the program (not of its tests, benches and tools). */
export function isProgram(place: string): boolean {
  return place.startsWith("src/") || place.startsWith("ffi/") ||
    place === "main.ts";
}
