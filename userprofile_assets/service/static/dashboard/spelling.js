// How the API and the address of the page write the values of a filter: nothing is NULL, `""` is an
// empty text, and a value that is itself nothing but pairs of quotes has a pair more.

/** A value as it is written. */
export function spelt(one) {
  if (one === null) return "";
  return /^("")*$/.test(one) ? `${one}""` : one;
}

/** The value that is written so. */
export function unspelt(text) {
  if (text === "") return null;
  return /^("")+$/.test(text) ? text.slice(2) : text;
}
