// Lock wait: how long a command waits for another, as `--lock-wait` says it. Not a duration as those
// of cleanup and prune, whose `m` are months.

/** What a wait may look like, for messages. */
export const waitForms = "0, or a time to wait such as 30s, 5min or 2h";

/** A number and its unit; 0 goes without. */
export const waitPattern: RegExp = /^(?:0|(\d{1,6})(s|min|h))$/;

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
};

/** The milliseconds that `text` stands for, or undefined if it is no wait. */
export function parseWait(text: string): number | undefined {
  const parts = waitPattern.exec(text);
  if (parts === null) return undefined;
  return parts[1] === undefined ? 0 : Number(parts[1]) * unitMs[parts[2]!]!;
}
