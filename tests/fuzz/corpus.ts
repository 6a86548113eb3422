// Corpus: inputs that are kept: samples that mutations start from, and what once went wrong.

const folder = new URL("corpus/", import.meta.url);

/** The contents of all files of one folder of the corpus with this ending, in the order of names. */
export function readCorpus(
  name: string,
  ending: string,
): Uint8Array<ArrayBuffer>[] {
  const files = [...Deno.readDirSync(new URL(`${name}/`, folder))]
    .map((entry) => entry.name)
    .filter((file) => file.endsWith(ending))
    .sort();
  if (files.length === 0) throw new Error(`tests/fuzz/corpus/${name} is empty`);
  return files.map((file) =>
    Deno.readFileSync(new URL(`${name}/${file}`, folder))
  );
}
