// The API key of whoever looks at the page. It lives as long as the tab (sessionStorage) and is
// sent to this server only.

const NAME = "userprofile-key";
let inMemory = null;

/** The key, or null. */
export function readKey() {
  try {
    return sessionStorage.getItem(NAME) ?? inMemory;
  } catch {
    return inMemory;
  }
}

/** Keep a key. */
export function keepKey(key) {
  inMemory = key;
  try {
    sessionStorage.setItem(NAME, key);
  } catch {
    // Storage is switched off: it lasts as long as the page.
  }
}

/** Forget the key. */
export function forgetKey() {
  inMemory = null;
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // There was nothing kept.
  }
}
