// A dataset or one of its columns, and how the address names it: #dataset or #dataset.column.

/** What the address names: {dataset, column}; column is null for a whole dataset; or null. */
export function placeInAddress() {
  let text;
  try {
    text = decodeURIComponent(location.hash.slice(1));
  } catch {
    // Somebody cut a link in the middle of a character.
    text = location.hash.slice(1);
  }
  if (!text) return null;
  const dot = text.indexOf(".");
  return dot < 0
    ? { dataset: text, column: null }
    : { dataset: text.slice(0, dot), column: text.slice(dot + 1) };
}

/** A place as people and the API write it. */
export function nameOf({ dataset, column }) {
  return column === null ? dataset : `${dataset}.${column}`;
}

/** The address of a place on this page. */
export function linkTo(place) {
  return `#${encodeURIComponent(nameOf(place))}`;
}
